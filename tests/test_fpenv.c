/* A caller's floating-point environment does not reach an answer: encodings, packed weights, what
 * is decoded and what rows and the reference compute are the same bytes under another rounding mode
 * and with subnormals flushed, and the caller finds its environment as it left it. */
#include "src/fpenv.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__aarch64__)
enum { ENVIRONMENTS = 5 };
#else
enum { ENVIRONMENTS = 4 };
#endif
enum { N = 48, K = 130, M = 3 };

static const char *const formats[] = {"f32",          "f16",        "bf16",         "i8-tensor",
                                      "i8-row",       "i8-g64",     "i8-row-z",     "i4-g64",
                                      "i4-g64-z",     "f8-row",     "f8-tensor",    "2:4/f32",
                                      "2:4/i8-row",   "csr/f32",    "csr/i8-row",   "bs4x4/f32",
                                      "bs4x4/i8-row", "bitmap/f32", "bitmap/i8-row"};

/* The i-th environment; 0: the default. */
static void enter(int i) {
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    if (i < 4) {
        cr_assert_eq(fesetround(modes[i]), 0);
        return;
    }
#if defined(__x86_64__)
    tare_fp_set(TARE_FP_MXCSR | 1 << 15 | 1 << 6); /* FTZ, DAZ */
#elif defined(__aarch64__)
    tare_fp_set(1 << 24); /* FZ */
#endif
}

/* What the environment does, seen from outside: the sum rounds, the product may be flushed. */
typedef struct felt {
    float sum, down, small;
} felt;

static felt feel(void) {
    volatile float one = 1, tiny = 0x1.8p-24f, least = 0x1p-130f, half = 0.5f;
    felt f = {one + tiny, -one - tiny, least * half};
    return f;
}

static void leave(void) {
    fesetenv(FE_DFL_ENV);
}

/* All that one environment makes of one format. */
typedef struct answers {
    int64_t nnz;
    tare_tensor t;
    float decoded[N * K], y[M * N];
    double reference[M * N], mag[M * N];
    tare_status valid;
    char kernel[64];
} answers;

static void compute(const char *format, const float *w, const float *x, uint32_t flags,
                    answers *a) {
    tare_format f;
    tare_plan plan;
    tare_packed *packed;
    tare_stream *s;
    tare_buffer *bx, *by;
    tare_device *d = tare_device_get(0);
    cr_assert_eq(tare_format_parse(format, &f), TARE_OK);
    cr_assert_eq(tare_encode(&f, N, K, w, &a->t), TARE_OK, "%s: %s", format, tare_last_error());
    a->nnz = a->t.nnz;
    a->valid = tare_validate(&a->t);
    for (int i = 0; i < N; i++)
        cr_assert_eq(tare_decode_row(&a->t, i, a->decoded + i * K), TARE_OK);
    tare_problem p = tare_problem_matmul(&a->t, M, TARE_F32, TARE_F32, flags);
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK, "%s", tare_last_error());
    strcpy(a->kernel, plan.kernel);
    cr_assert_eq(tare_pack(&plan, &a->t, &packed), TARE_OK);
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_stream_reserve(s, &plan), TARE_OK);
    cr_assert_eq(tare_buffer_wrap(d, (void *)(uintptr_t)x, M * K * sizeof *x, &bx), TARE_OK);
    cr_assert_eq(tare_buffer_wrap(d, a->y, sizeof a->y, &by), TARE_OK);
    cr_assert_eq(tare_run(&plan, packed, s, bx, NULL, by, 0), TARE_OK);
    cr_assert_eq(tare_reference(&p, &a->t, x, NULL, a->reference, a->mag), TARE_OK);
    tare_buffer_destroy(bx);
    tare_buffer_destroy(by);
    tare_stream_destroy(s);
    tare_packed_destroy(packed);
}

static void same(const char *format, int e, const answers *a, const answers *b) {
    cr_expect_eq(a->nnz, b->nnz, "%s, environment %d: other values are kept", format, e);
    cr_expect_eq(b->valid, TARE_OK, "%s, environment %d: not valid", format, e);
    cr_expect_str_eq(a->kernel, b->kernel);
    for (int p = 0; p < TARE_PARTS; p++) {
        cr_assert_eq(a->t.part[p].bytes, b->t.part[p].bytes);
        cr_expect(!a->t.part[p].bytes ||
                      memcmp(a->t.part[p].data, b->t.part[p].data, a->t.part[p].bytes) == 0,
                  "%s, environment %d: the %s differ", format, e, tare_part_name(p));
    }
    cr_expect(memcmp(a->decoded, b->decoded, sizeof a->decoded) == 0, "%s, %d: decoded", format, e);
    cr_expect(memcmp(a->y, b->y, sizeof a->y) == 0, "%s, environment %d: y", format, e);
    cr_expect(memcmp(a->reference, b->reference, sizeof a->reference) == 0, "%s, %d: reference",
              format, e);
    cr_expect(memcmp(a->mag, b->mag, sizeof a->mag) == 0, "%s, %d: mag", format, e);
}

/* Every other weight is zero; `scale` makes the others subnormal or not. */
static void fill(float *w, int count, float scale) {
    uint32_t z = 12345;
    for (int i = 0; i < count; i++) {
        z = z * 1664525u + 1013904223u;
        w[i] = z & 0x100 ? ((float)(z >> 16) / 32768 - 1) * scale : 0;
    }
}

static void hold(float scale) {
    static float w[N * K], x[M * K];
    static answers usual, other;
    fill(w, N * K, scale);
    fill(x, M * K, 1);
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        tare_format format;
        cr_assert_eq(tare_format_parse(formats[f], &format), TARE_OK);
        uint32_t flags = tare_x_quantised(&format);
        compute(formats[f], w, x, flags, &usual);
        for (int e = 1; e < ENVIRONMENTS; e++) {
            enter(e);
            felt before = feel();
            compute(formats[f], w, x, flags, &other);
            felt after = feel();
            leave();
            cr_expect(memcmp(&before, &after, sizeof before) == 0,
                      "%s: environment %d was not given back", formats[f], e);
            same(formats[f], e, &usual, &other);
            tare_tensor_clear(&other.t);
        }
        tare_tensor_clear(&usual.t);
    }
}

Test(fpenv, usual_weights) {
    hold(1);
}

Test(fpenv, subnormal_weights) {
    hold(0x1p-128f);
}

/* The environments that this test sets are felt, or it could not fail. */
Test(fpenv, the_environments_differ) {
    felt usual = feel();
    for (int e = 1; e < ENVIRONMENTS; e++) {
        enter(e);
        felt f = feel();
        leave();
        cr_expect_neq(memcmp(&f, &usual, sizeof f), 0, "environment %d", e);
    }
}

static tare_status prune(float *w, int64_t *nnz, const tare_prune *how) {
    tare_device *d = tare_device_get(0);
    tare_stream *s;
    tare_buffer *b;
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_buffer_wrap(d, w, N * K * sizeof *w, &b), TARE_OK);
    tare_status st = tare_prune_values(d, s, b, N, K, how, nnz);
    tare_buffer_destroy(b);
    tare_stream_destroy(s);
    return st;
}

Test(fpenv, pruning) {
    static float w[N * K], usual[N * K], other[N * K];
    static const tare_prune how[] = {
        {.kind = TARE_PRUNE_MAGNITUDE, .share = 0.7},
        {.kind = TARE_PRUNE_NM, .nm_n = 2, .nm_m = 4},
        {.kind = TARE_PRUNE_BLOCK, .share = 0.5, .block_r = 4, .block_c = 4}};
    for (int scale = 0; scale < 2; scale++) {
        fill(w, N * K, scale ? 0x1p-128f : 1);
        for (size_t h = 0; h < sizeof how / sizeof *how; h++)
            for (int e = 1; e < ENVIRONMENTS; e++) {
                int64_t a = 0, b = 0;
                memcpy(usual, w, sizeof w);
                memcpy(other, w, sizeof w);
                cr_assert_eq(prune(usual, &a, &how[h]), TARE_OK);
                enter(e);
                tare_status s = prune(other, &b, &how[h]);
                leave();
                cr_assert_eq(s, TARE_OK);
                cr_expect_eq(a, b, "kind %zu, environment %d", h, e);
                cr_expect(memcmp(usual, other, sizeof w) == 0, "kind %zu, environment %d", h, e);
            }
    }
}

/* A caller that wants to be told of overflows is not killed by ours. */
#if defined(__x86_64__)
Test(fpenv, traps_are_not_ours) {
    static float w[N * K], x[M * K];
    static answers a;
    fill(w, N * K, 3e38f);
    fill(x, M * K, 3e38f);
    cr_assert_neq(feenableexcept(FE_OVERFLOW | FE_INVALID | FE_DIVBYZERO), -1);
    compute("f32", w, x, 0, &a);
    int still = fegetexcept();
    fedisableexcept(FE_ALL_EXCEPT);
    cr_expect_eq(still, FE_OVERFLOW | FE_INVALID | FE_DIVBYZERO);
    tare_tensor_clear(&a.t);
}
#endif
