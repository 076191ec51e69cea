/* Routes over several devices: the least of kernel and transfers together, on made-up devices whose
 * rates are known and on all that are here. */
#include "src/internal.h"
#include "tests/fake_backend.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Device 0: a slow kernel behind a fast link. Device 1: a fast kernel behind a slow one. */
static tare_rates rate_of[2] = {
    {.read_gbs = 1, .cache_gbs = 1, .f32_gflops = 1, .h2d_gbs = 100, .d2h_gbs = 100},
    {.read_gbs = 100, .cache_gbs = 100, .f32_gflops = 100, .h2d_gbs = 0.1, .d2h_gbs = 0.1}};

static tare_status open_one(int index, tare_device_info *info, tare_rates *rates,
                            uint64_t *features, void **state) {
    tare_status s = fake_backend.ops->open(index, info, rates, features, state);
    *rates = rate_of[index];
    return s;
}

static int two(void) {
    return 2;
}

static void make_devices(tare_device *d[2]) {
    static tare_backend_ops ops;
    static tare_backend backend;
    ops = *fake_backend.ops;
    ops.open = open_one;
    backend = fake_backend;
    backend.ops = &ops;
    backend.device_count = two;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d[0]), TARE_OK);
    cr_assert_eq(tare_device_find("fake:1", &d[1]), TARE_OK);
}

static tare_tensor dense(int64_t n, int64_t k) {
    tare_format f;
    tare_tensor t;
    uint64_t state = 3;
    float *w = malloc((size_t)(n * k) * sizeof *w);
    cr_assert_eq(tare_format_parse("f32", &f), TARE_OK);
    fill_weights(w, n, k, &f, PATTERN_SPARSE, &state);
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK);
    free(w);
    return t;
}

static tare_plan route(tare_device *const *d, int count, const tare_tensor *t, int64_t m) {
    tare_problem p = tare_problem_matmul(t, m, TARE_F32, TARE_F32, 0);
    tare_plan plan;
    cr_assert_eq(tare_route(&p, d, count, NULL, &plan), TARE_OK, "%s", tare_last_error());
    return plan;
}

/* A large W and one row of x: the kernel decides. A small W and many rows: the link does. */
Test(route, counts_the_transfers) {
    tare_device *d[2];
    make_devices(d);
    tare_tensor large = dense(256, 256), flat = dense(4, 256);
    tare_plan one = route(d, 2, &large, 1), many = route(d, 2, &flat, 64);
    cr_assert_eq(one.device, d[1], "262 us of weights against 20 us of link");
    cr_assert_eq(many.device, d[0], "132 us of kernel against 665 us of link");
    cr_assert(fabs(one.transfer_ns - 2 * 256 * 4 / 0.1) < 1);
    cr_assert(fabs(many.transfer_ns - 64 * (256 + 4) * 4 / 100.0) < 1);
    /* By the kernels alone both would go to device 1. */
    tare_plan there = route(&d[1], 1, &flat, 64);
    cr_assert_lt(there.cost_ns, many.cost_ns);
    tare_tensor_clear(&large);
    tare_tensor_clear(&flat);
}

Test(route, takes_who_accepts_or_says_why_each_refused) {
    tare_device *d[2];
    tare_format f;
    tare_tensor t = {.n = 8, .k = 8, .nnz = 64};
    tare_plan plan;
    make_devices(d);
    cr_assert_eq(tare_format_parse("i8-row", &f), TARE_OK);
    t.format = f;
    tare_problem p = tare_problem_matmul(&t, 1, TARE_F32, TARE_F32, 0);
    cr_assert_eq(tare_route(&p, d, 2, NULL, &plan), TARE_E_UNSUPPORTED);
    const char *said = tare_last_error(), *second = strstr(said, "fake:1");
    cr_assert(strstr(said, "fake:0") && second && strstr(second, "dense f32 only"), "%s", said);
    cr_assert_null(plan.row);
    tare_device *mixed[2] = {d[0]};
    cr_assert_eq(tare_device_find("cpu", &mixed[1]), TARE_OK);
    cr_assert_eq(tare_route(&p, mixed, 2, NULL, &plan), TARE_OK);
    cr_assert_eq(plan.device, mixed[1]);
}

/* Over every device here, OpenCL's too: the choice is the least of what each would take, a real
 * kernel before a reference, and it gives the right answer where it is. */
Test(route, over_all_devices_is_the_least_and_right) {
    enum { N = 96, K = 128, M = 5 };
    tare_tensor t = dense(N, K);
    tare_plan best = route(NULL, 0, &t, M), one;
    for (int i = 0; i < tare_device_count(); i++) {
        if (tare_plan_make(tare_device_get(i), &best.problem, NULL, &one) != TARE_OK) continue;
        if (one.row->flags & TARE_ROW_REFERENCE) continue;
        cr_assert(best.cost_ns + best.transfer_ns <= one.cost_ns + one.transfer_ns, "%s",
                  tare_device_get(i)->info.id);
    }
    float x[M * K], y[M * N];
    double want[M * N], mag[M * N];
    uint64_t z = 7;
    for (int i = 0; i < M * K; i++) {
        z = z * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(int32_t)(z >> 32) * 0x1p-31f;
    }
    cr_assert_eq(tare_reference(&best.problem, &t, x, NULL, want, mag), TARE_OK);
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        tare_packed *w;
        tare_stream *s;
        tare_buffer *bx, *by;
        if (tare_plan_make(d, &best.problem, NULL, &one) != TARE_OK) continue;
        cr_assert_eq(tare_pack(&one, &t, &w), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
        cr_assert_eq(tare_stream_reserve(s, &one), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(tare_buffer_create(d, sizeof x, &bx), TARE_OK);
        cr_assert_eq(tare_buffer_create(d, sizeof y, &by), TARE_OK);
        cr_assert_eq(tare_buffer_write(s, bx, 0, x, sizeof x), TARE_OK);
        cr_assert_eq(tare_run(&one, w, s, bx, NULL, by, 0), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(tare_buffer_read(s, by, 0, y, sizeof y), TARE_OK);
        cr_assert_eq(tare_stream_sync(s), TARE_OK);
        for (int j = 0; j < M * N; j++)
            cr_assert(fabs((double)y[j] - want[j]) <=
                          tare_error_bound(&best.problem, want[j], mag[j]),
                      "%s y[%d]", one.kernel, j);
        tare_buffer_destroy(bx);
        tare_buffer_destroy(by);
        tare_packed_destroy(w);
        tare_stream_destroy(s);
    }
    tare_tensor_clear(&t);
}
