/* An optional that a row refuses is skipped and counted, with its reason; one that fails is wrong.
 */
#include "tests/fake_backend.h"
#include "tests/rowdata.h"
#include "tests/rowvalues.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N = 6, K = 8 };
static tare_status pack_says = TARE_OK, unpack_says = TARE_OK;

static tare_status pack_there(const tare_problem *p, void *state, void *stream, const void *w,
                              void *blob) {
    float values[N * K];
    (void)p;
    if (pack_says != TARE_OK) return tare_fail(pack_says, "fake: needs what is not there");
    TARE_TRY(fake_backend.ops->read(state, stream, w, 0, values, sizeof values));
    return fake_backend.ops->write(state, stream, blob, 0, values, sizeof values);
}

static tare_status unpack_there(const tare_problem *p, void *state, void *stream, const void *blob,
                                void *w) {
    (void)p, (void)state, (void)stream, (void)blob, (void)w;
    return unpack_says == TARE_OK ? TARE_OK : tare_fail(unpack_says, "fake: no way back");
}

/* What packing the same weights there comes to; the weights must still be there afterwards. */
static tare_status pack(rowvalues *count) {
    static tare_kernel row;
    static const tare_kernel *rows[2] = {&row, NULL};
    static tare_backend backend;
    tare_device *d;
    tare_plan plan;
    tare_tensor t;
    tare_stream *s;
    tare_packed *w;
    tare_format f;
    float values[N * K];
    uint64_t seed = 5;
    row = *fake_backend.rows[0];
    row.pack_values = pack_there;
    row.unpack_values = unpack_there;
    backend = fake_backend;
    backend.rows = rows;
    if (tare_device_find("fake:0", &d) != TARE_OK) {
        cr_assert_eq(tare_registry_add(&backend), TARE_OK);
        cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    }
    cr_assert_eq(tare_format_parse("f32", &f), TARE_OK);
    for (int i = 0; i < N * K; i++) values[i] = random_unit(&seed);
    cr_assert_eq(tare_encode(&f, N, K, values, &t), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, 2, TARE_F32, TARE_F32, 0);
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_pack(&plan, &t, &w), TARE_OK);
    tare_status st = rowvalues_pack(&plan, s, values, &w, count);
    cr_expect_eq(tare_packed_bytes(w), plan.packed_bytes);
    tare_packed_destroy(w);
    tare_stream_destroy(s);
    tare_tensor_clear(&t);
    cr_expect_eq(fake.live, 0, "%d things of the device were kept", fake.live);
    return st;
}

Test(rowvalues, done_skipped_and_wrong) {
    rowvalues count = {0};
    cr_expect_eq(pack(&count), TARE_OK);
    cr_expect(count.done == 1 && count.skipped == 0);
    pack_says = TARE_E_UNSUPPORTED;
    cr_expect_eq(pack(&count), TARE_OK, "refused is not wrong");
    cr_expect(count.done == 1 && count.skipped == 1);
    cr_expect_str_eq(count.why, "fake: needs what is not there");
    pack_says = TARE_OK;
    unpack_says = TARE_E_UNSUPPORTED;
    cr_expect_eq(pack(&count), TARE_OK);
    cr_expect(count.done == 1 && count.skipped == 2);
    cr_expect_str_eq(count.why, "fake: no way back");
    unpack_says = TARE_E_DEVICE;
    cr_expect_eq(pack(&count), TARE_E_DEVICE);
    pack_says = TARE_E_DEVICE;
    cr_expect_eq(pack(&count), TARE_E_DEVICE);
    cr_expect(count.done == 1 && count.skipped == 2);
}
