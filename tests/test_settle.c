/* A row's own work on a blob once it lies on the device: it may replace the memory, `release` frees
 * what it made beside it, and nothing leaks whatever fails. */
#include "tests/fake_backend.h"

#include "src/internal.h"

#include <criterion/criterion.h>
#include <string.h>

static tare_kernel row;
static tare_backend backend;
static int settle_fails, replaces, objects;

static tare_status settle(const tare_problem *p, void *state, void *stream, void **mem,
                          size_t *bytes) {
    (void)p, (void)stream;
    if (settle_fails) return tare_fail(TARE_E_DEVICE, "fake: settle failed");
    if (replaces) {
        void *other;
        TARE_TRY(fake_backend.ops->alloc(state, *bytes / 2, &other));
        *mem = other;
        *bytes /= 2;
    }
    objects++;
    return TARE_OK;
}

static void release(void *state, void *blob) {
    cr_assert_eq(state, &fake);
    cr_assert_not_null(blob);
    objects--;
}

static tare_status pack(tare_packed **w) {
    static const tare_kernel *const rows[] = {&row, NULL};
    static float values[8 * 4] = {1};
    tare_format f = {.value = TARE_F32, .layout = TARE_DENSE};
    tare_device *d;
    tare_tensor t;
    tare_plan plan;
    if (!backend.abi) {
        row = *fake_backend.rows[0];
        row.settle = settle;
        row.release = release;
        backend = fake_backend;
        backend.rows = rows;
        cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    }
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    cr_assert_eq(tare_encode(&f, 8, 4, values, &t), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, 1, TARE_F32, TARE_F32, 0);
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    tare_status s = tare_pack(&plan, &t, w);
    tare_tensor_clear(&t);
    return s;
}

Test(settle, in_place_and_elsewhere) {
    tare_packed *w;
    for (replaces = 0; replaces < 2; replaces++) {
        cr_assert_eq(pack(&w), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(tare_packed_bytes(w), replaces ? 64 : 128);
        cr_assert(fake.live == 1 && objects == 1, "%d blocks, %d objects", fake.live, objects);
        tare_packed_destroy(w);
        cr_assert(fake.live == 0 && objects == 0);
    }
}

Test(settle, failures_leave_nothing) {
    static const int points[] = {FAKE_ALLOC, FAKE_STREAM, FAKE_SYNC, FAKE_WRITE, FAKE_PACK};
    tare_packed *w;
    int failed = 0;
    for (replaces = 0; replaces < 2; replaces++) {
        settle_fails = 1;
        cr_assert_eq(pack(&w), TARE_E_DEVICE);
        cr_assert(fake.live == 0 && objects == 0 && !w);
        settle_fails = 0;
        for (size_t i = 0; i < sizeof points / sizeof *points; i++)
            for (int at = 1; at <= 3; at++) {
                fake.fail_point = points[i];
                fake.fail_at = at;
                tare_status s = pack(&w);
                failed += s != TARE_OK;
                tare_packed_destroy(w);
                cr_assert(fake.live == 0 && objects == 0, "point %d, call %d: %d, %d", points[i],
                          at, fake.live, objects);
            }
    }
    cr_assert_geq(failed, 10, "%d", failed);
}
