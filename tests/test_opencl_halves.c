/* Weights that are subnormal halves, on devices that keep subnormal floats and on others: decoded
 * by the own rows at every number of rows of x that has a kernel of its own. */
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 32, K = 64, M = 64 };
static float x[M * K], y[M * N];
static double ref[M * N], mag[M * N];

static void check(tare_device *d, const tare_tensor *t, int m, const char *name) {
    tare_problem p = tare_problem_matmul(t, m, TARE_F32, TARE_F32, 0);
    tare_plan plan;
    tare_stream *s;
    tare_buffer *in, *out;
    tare_packed *w;
    size_t bytes = (size_t)m * K * sizeof(float);
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_stream_reserve(s, &plan), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_buffer_create(d, bytes, &in), TARE_OK);
    cr_assert_eq(tare_buffer_create(d, (size_t)m * N * sizeof(float), &out), TARE_OK);
    cr_assert_eq(tare_buffer_write(s, in, 0, x, bytes), TARE_OK);
    cr_assert_eq(tare_pack(&plan, t, &w), TARE_OK);
    cr_assert_eq(tare_run(&plan, w, s, in, NULL, out, 0), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_buffer_read(s, out, 0, y, (size_t)m * N * sizeof(float)), TARE_OK);
    cr_assert_eq(tare_stream_sync(s), TARE_OK);
    cr_assert_eq(tare_reference(&p, t, x, NULL, ref, mag), TARE_OK);
    for (int i = 0; i < m * N; i++)
        if (!(fabs((double)y[i] - ref[i]) <= tare_error_bound(&p, ref[i], mag[i])))
            cr_assert_fail("%s by %s on %s, m %d: %g, must be %g", name, plan.kernel, d->info.id, m,
                           (double)y[i], ref[i]);
    tare_packed_destroy(w);
    tare_buffer_destroy(in);
    tare_buffer_destroy(out);
    tare_stream_destroy(s);
}

Test(opencl_halves, subnormal_weights, .timeout = 300) {
    static const char *const formats[] = {"f16",        "2:4/f16",   "csr/f16",
                                          "bitmap/f16", "bs4x4/f16", "bf16"};
    static const int ms[] = {1, 3, 8, 64};
    static float w[N * K];
    uint64_t seed = 3;
    int devices = 0;
    for (int i = 0; i < N * K; i++) w[i] = random_unit(&seed) * (i % 3 ? 1e-5f : 1e-4f);
    for (int i = 0; i < M * K; i++) x[i] = random_unit(&seed);
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        if (d->backend->host_memory) continue;
        devices++;
        for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
            tare_format format;
            tare_tensor t;
            cr_assert_eq(tare_format_parse(formats[f], &format), TARE_OK);
            cr_assert_eq(tare_encode(&format, N, K, w, &t), TARE_OK);
            for (size_t m = 0; m < sizeof ms / sizeof *ms; m++) check(d, &t, ms[m], formats[f]);
            tare_tensor_clear(&t);
        }
    }
    cr_assert_gt(devices, 0, "no device but the CPU; on Debian, pocl-opencl-icd makes one");
}
