/* Faults: a whole job, from encoding to reading y back, with the n-th allocation or the n-th call
 * of a backend failing, for every n until none fails. Each time: an error with a text, nothing
 * leaked (the library's count of live blocks, the fake backend's own count: LeakSanitizer does not
 * see into Criterion's workers), and the same job works right afterwards. */
#include "tests/fake_backend.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { N = 24, K = 40, M = 3 };

typedef struct job {
    tare_tensor t;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y;
} job;

static tare_status attempt(job *j, tare_device *d, const char *name, uint32_t flags, float *out) {
    static float w[N * K], x[M * K];
    uint64_t state = 11;
    tare_format f;
    tare_plan plan;
    TARE_TRY(tare_format_parse(name, &f));
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    for (int i = 0; i < M * K; i++) x[i] = random_unit(&state);
    TARE_TRY(tare_encode(&f, N, K, w, &j->t));
    tare_problem p = tare_problem_matmul(&j->t, M, TARE_F32, TARE_F32, flags);
    TARE_TRY(tare_plan_make(d, &p, NULL, &plan));
    TARE_TRY(tare_pack(&plan, &j->t, &j->w));
    TARE_TRY(tare_stream_create(d, &j->s));
    TARE_TRY(tare_stream_reserve(j->s, &plan));
    TARE_TRY(tare_buffer_create(d, sizeof x, &j->x));
    TARE_TRY(tare_buffer_create(d, sizeof(float) * M * N, &j->y));
    TARE_TRY(tare_buffer_write(j->s, j->x, 0, x, sizeof x));
    TARE_TRY(tare_run(&plan, j->w, j->s, j->x, NULL, j->y, 0));
    TARE_TRY(tare_buffer_read(j->s, j->y, 0, out, sizeof(float) * M * N));
    return tare_stream_sync(j->s);
}

static tare_status whole_job(tare_device *d, const char *name, uint32_t flags, float *out) {
    job j;
    memset(&j, 0, sizeof j);
    tare_status s = attempt(&j, d, name, flags, out);
    tare_buffer_destroy(j.x);
    tare_buffer_destroy(j.y);
    tare_stream_destroy(j.s);
    tare_packed_destroy(j.w);
    tare_tensor_clear(&j.t);
    return s;
}

static const struct {
    const char *format;
    uint32_t flags;
} jobs[] = {
    {"f32", 0},     {"bf16", 0},           {"i8-row", TARE_X_I8}, {"i8-row-z", 0},
    {"i4-g32", 0},  {"i4-g32", TARE_X_I8}, {"2:4/f32", 0},        {"2:4/i8-row", TARE_X_I8},
    {"csr/f32", 0}, {"bs4x4/f32", 0},      {"bitmap/f32", 0},     {"bitmap/i8-row", TARE_X_I8}};

Test(faults, the_nth_allocation_fails) {
    tare_device *d = tare_device_get(0);
    float good[M * N], again[M * N];
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        cr_assert_eq(whole_job(d, jobs[i].format, jobs[i].flags, good), TARE_OK, "%s: %s",
                     jobs[i].format, tare_last_error());
        int n = 1, failed = 0;
        long blocks = tare_alloc_live();
        for (tare_status s = TARE_E_NOMEM; s != TARE_OK && n < 200; n++) {
            tare_alloc_fail_at(n);
            s = whole_job(d, jobs[i].format, jobs[i].flags, again);
            tare_alloc_fail_at(0);
            cr_assert_eq(tare_alloc_live(), blocks, "%s, allocation %d: leaks", jobs[i].format, n);
            if (s == TARE_OK) break;
            failed++;
            cr_assert_eq(s, TARE_E_NOMEM, "%s: allocation %d: %s", jobs[i].format, n,
                         tare_last_error());
            cr_assert_gt(strlen(tare_last_error()), 5);
            cr_assert_eq(whole_job(d, jobs[i].format, jobs[i].flags, again), TARE_OK);
            cr_assert_arr_eq(good, again, sizeof good, "%s after a failure", jobs[i].format);
        }
        cr_assert_gt(failed, 4, "%s: hardly anything failed", jobs[i].format);
    }
}

Test(faults, every_call_of_a_backend_fails_once) {
    tare_device *d;
    float good[M * N], again[M * N];
    tare_device_count();
    cr_assert_eq(tare_registry_add(&fake_backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    cr_assert_eq(whole_job(d, "f32", 0, good), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(fake.live, 0);
    long blocks = tare_alloc_live();
    for (int point = 0; point < FAKE_POINTS; point++) {
        int struck = 0;
        for (int n = 1; n < 50; n++) {
            fake.fail_point = point;
            fake.fail_at = n;
            tare_status s = whole_job(d, "f32", 0, again);
            int left = fake.fail_at;
            fake.fail_at = 0;
            cr_assert_eq(fake.live, 0, "point %d, call %d: something leaked", point, n);
            cr_assert_eq(tare_alloc_live(), blocks, "point %d, call %d: leaks memory", point, n);
            if (left) break; /* fewer than n such calls: done with this point */
            struck++;
            cr_assert_eq(s, TARE_E_DEVICE, "point %d, call %d: %s", point, n, tare_last_error());
            cr_assert_not_null(strstr(tare_last_error(), "fake"));
        }
        cr_assert_gt(struck, 0, "point %d never struck", point);
    }
    cr_assert_eq(whole_job(d, "f32", 0, again), TARE_OK);
    cr_assert_arr_eq(good, again, sizeof good);
}

Test(faults, a_backend_of_another_age_is_refused) {
    tare_backend old = fake_backend;
    int before = tare_device_count();
    old.abi = TARE_BACKEND_ABI + 1;
    cr_assert_eq(tare_registry_add(&old), TARE_E_DEVICE);
    old = fake_backend;
    old.struct_size++;
    cr_assert_eq(tare_registry_add(&old), TARE_E_DEVICE);
    cr_assert_eq(tare_device_count(), before);
    cr_assert_not_null(tare_backend_refusal(0));
}
