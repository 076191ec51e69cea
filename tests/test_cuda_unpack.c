/* Packed weights decoded on the device to rows of any stride in f32, f16 and bf16 (cuda/unpack.h):
 * each value is rounded once from the exact product, by factors of rows and without scales as well.
 * The backend's objects are linked in, over the emulated runtime. */
#include "cuda/unpack.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 19, K = 131, MOST_LD = 208 };

static const struct {
    const char *row, *format;
    float scale;
} cases[] = {{"matmul_f32_cu", "f32", 1},
             {"matmul_f16_cu", "f16", 1},
             {"matmul_bf16_cu", "bf16", 1},
             {"matmul_w8_cu", "i8-row", 1},
             {"matmul_w8_cu", "i8-row-z", 0.01f},
             {"matmul_w8_cu", "i8-tensor", 3e5f},
             {"matmul_w8_cu", "i8-g64", 1e-3f},
             {"matmul_w4_cu", "i4-g32", 1},
             {"matmul_w4_cu", "i4-g128-z", 1e-6f},
             {"matmul_bitmap_cu", "bitmap/f32", 1},
             {"matmul_bitmap_cu", "bitmap/i8-row", 1e-37f},
             {"matmul_nm_cu", "2:4/i8-row", 1},
             {"matmul_nm_cu", "2:4/f16", 1},
             {"matmul_csr_cu", "csr/f32", 1},
             {"matmul_csr_cu", "csr/i8-row", 1},
             {"matmul_bs_cu", "bs4x4/i8-row", 1},
             {"matmul_bs_cu", "bs3x5/f32", 1e-38f},
             {"matmul_bs_cu", "bs16x16/f16", 1}};
enum { CASES = sizeof cases / sizeof *cases };

static cu_device *device;
static void *stream;

static void open_device(void) {
    tare_device_info info;
    tare_rates rates;
    uint64_t features;
    void *state;
    memset(&info, 0, sizeof info);
    memset(&rates, 0, sizeof rates);
    cr_assert_geq(cu_device_count(), 1);
    cr_assert_eq(cu_open(0, &info, &rates, &features, &state), TARE_OK, "%s", tare_last_error());
    device = state;
    cr_assert_eq(cu_stream_create(device, &stream), TARE_OK);
}

static const tare_kernel *row_of(const char *name) {
    for (const tare_kernel *const *r = cu_rows; *r; r++)
        if (strcmp((*r)->name, name) == 0) return *r;
    cr_assert(0, "no row %s", name);
    return NULL;
}

/* The blob of a case there, and its tensor here. */
static void *packed(int i, tare_tensor *t, tare_problem *p) {
    static float w[N * K];
    tare_format f;
    tare_rates rates = {.read_gbs = 1, .f32_gflops = 1};
    tare_fit fit;
    uint64_t seed = 21;
    void *mem;
    memset(&fit, 0, sizeof fit);
    cr_assert_eq(tare_format_parse(cases[i].format, &f), TARE_OK);
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &seed);
    /* A row's largest is halfway between two bf16, or f16; as its scale times 127 it is hardly off.
     */
    for (int r = 0; r < N; r++)
        w[r * K + r] = 1 + (r % 2 ? (float)(4 * r + 1) / 2048 : (float)(2 * r + 1) / 256);
    for (int v = 0; v < N * K; v++) w[v] *= cases[i].scale;
    cr_assert_eq(tare_encode(&f, N, K, w, t), TARE_OK, "%s", tare_last_error());
    *p = tare_problem_matmul(t, 1, TARE_F32, TARE_F32, 0);
    const tare_kernel *row = row_of(cases[i].row);
    cr_assert(row->fit(&rates, p, &fit), "%s: %s", cases[i].format, fit.why);
    size_t used = fit.packed_bytes;
    char *blob = calloc(used, 1);
    cr_assert_eq(row->pack(p, t, blob, &used), TARE_OK);
    cr_assert_eq(cu_alloc(device, used, &mem), TARE_OK);
    cr_assert_eq(cu_write(device, stream, mem, 0, blob, used), TARE_OK);
    cr_assert_eq(cu_stream_sync(device, stream), TARE_OK);
    free(blob);
    return mem;
}

/* The nearest of a type with `bits` of mantissa, the hidden one included, and least exponent
 * `least` (of the last bit of subnormals), ties to even; infinite from `most` on. */
static double nearest(double v, int bits, int least, double most) {
    int e;
    if (v == 0) return 0;
    (void)frexp(v, &e);
    int last = e - bits > least ? e - bits : least;
    double r = ldexp(rint(ldexp(v, -last)), last);
    return fabs(r) > most ? copysign(INFINITY, v) : r;
}

static double rounded(double v, tare_type to) {
    if (to == TARE_F16) return nearest(v, 11, -24, 65504);
    if (to == TARE_BF16) return nearest(v, 8, -133, 3.3895313892515355e38);
    return (double)(float)v;
}

/* Of row i: what has to come out before rounding. */
static void exact(const tare_tensor *t, int64_t i, const cu_unpack_how *how, const float *factors,
                  double *out) {
    cr_assert_eq(tare_decode_row_f64(t, i, out), TARE_OK);
    float scale = how->bare ? ((const float *)t->part[TARE_SCALES]
                                   .data)[t->format.scaling == TARE_SCALE_TENSOR ? 0 : i]
                            : 1;
    for (int64_t j = 0; j < t->k; j++) {
        if (t->format.layout == TARE_BLOCK) out[j] = (float)out[j]; /* as its squares hold it */
        out[j] = out[j] / (double)scale * (double)factors[i];
    }
}

static void check(int i, tare_type to, int64_t ld, cu_unpack_how how) {
    static float factors[N];
    static double want[K];
    tare_tensor t;
    tare_problem p;
    void *out, *there = NULL, *blob = packed(i, &t, &p);
    size_t bytes = (size_t)(N * ld) * tare_type_bytes(to);
    char *got = malloc(bytes);
    int by_row = how.factors != NULL;
    for (int r = 0; r < N; r++) factors[r] = by_row ? ldexpf(1, r % 5 - 2) : 1;
    cr_assert_eq(cu_alloc(device, bytes, &out), TARE_OK);
    cr_assert_eq(cu_alloc(device, sizeof factors, &there), TARE_OK);
    cr_assert_eq(cu_write(device, stream, there, 0, factors, sizeof factors), TARE_OK);
    if (by_row) how.factors = there;
    cr_assert_eq(cu_unpack_queue(stream, &p, blob, to, out, ld, &how), TARE_OK, "%s: %s",
                 cases[i].format, tare_last_error());
    cr_assert_eq(cu_read(device, stream, out, 0, got, bytes), TARE_OK);
    cr_assert_eq(cu_stream_sync(device, stream), TARE_OK);
    for (int64_t r = 0; r < N; r++) {
        exact(&t, r, &how, factors, want);
        for (int64_t c = 0; c < ld; c++) {
            double must = c < K ? rounded(want[c], to) : 0;
            float is = tare_load(to, got, (size_t)(r * ld + c));
            cr_assert((double)is == must,
                      "%s to %s, ld %lld, factors %d, bare %d: [%lld,%lld] is %.9g, must be %.9g",
                      cases[i].format, tare_type_name(to), (long long)ld, by_row, how.bare,
                      (long long)r, (long long)c, (double)is, must);
        }
    }
    cu_free(device, out);
    cu_free(device, there);
    cu_free(device, blob);
    tare_tensor_clear(&t);
    free(got);
}

Test(cuda_unpack, rounds_once_into_rows_of_any_stride, .timeout = 100) {
    static const int64_t lds[] = {K, 136, 150, MOST_LD};
    static const float some = 1;
    open_device();
    for (int i = 0; i < CASES; i++)
        for (tare_type to = TARE_F32; to <= TARE_BF16; to++)
            for (size_t l = 0; l < sizeof lds / sizeof *lds; l++) {
                check(i, to, lds[l], (cu_unpack_how){NULL, 0});
                /* Products are exact as long as nothing is subnormal. */
                if (l == 1 && cases[i].scale > 1e-30f)
                    check(i, to, lds[l], (cu_unpack_how){&some, 0});
            }
}

Test(cuda_unpack, without_scales, .timeout = 60) {
    static const char *const bare[] = {"i8-row", "i8-row-z", "i8-tensor", "2:4/i8-row",
                                       "csr/i8-row"};
    open_device();
    for (size_t b = 0; b < sizeof bare / sizeof *bare; b++)
        for (int i = 0; i < CASES; i++)
            for (tare_type to = TARE_F32; to <= TARE_BF16; to++)
                if (strcmp(bare[b], cases[i].format) == 0)
                    check(i, to, K, (cu_unpack_how){NULL, 1});
}

Test(cuda_unpack, refusals, .timeout = 60) {
    tare_tensor t;
    tare_problem p;
    cu_unpack_how bare = {NULL, 1};
    open_device();
    void *blob = packed(7, &t, &p); /* i4-g32 */
    cr_expect_eq(cu_unpack_queue(stream, &p, blob, TARE_F32, blob, K, &bare), TARE_E_UNSUPPORTED);
    cr_expect_eq(cu_unpack_queue(stream, &p, blob, TARE_I8, blob, K, NULL), TARE_E_ARG);
    cr_expect_eq(cu_unpack_queue(stream, &p, blob, TARE_F32, blob, K - 1, NULL), TARE_E_ARG);
    cu_free(device, blob);
    tare_tensor_clear(&t);
}
