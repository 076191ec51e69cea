/* Quantising x is defined to the bit (TARE_X_I8 in tare.h): every variant that this processor runs
 * must give the codes, scales and code sums of the definition, written out here once more. */
#include "cpu/xquant.h"

#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct variant {
    const char *name;
    uint64_t needs;
    xquant_rows *rows;
    int wide; /* knows 16-bit codes */
    int narrow;
} variant;

static const variant variants[] = {
    {"c", 0, xquant_c, 1, 1},
#ifdef __x86_64__
    {"avx2", CPU_AVX2, xquant_avx2, 1, 1},
    {"vnni", CPU_VNNI, xquant_vnni, 0, 1},
#endif
};

enum { ROWS = 7 };

/* Rows: ordinary, zero, just below and at the least magnitude, ties, huge, subnormal. */
static void fill(void *x, tare_type t, int64_t k, uint64_t *seed) {
    static const float top[ROWS] = {1, 0, 0x1.fffffep-101f, 0x1p-100f, 127, 60000, 0x1p-130f};
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t j = 0; j < k; j++) {
            float v = top[r] * random_unit(seed);
            if (r == 4) v = floorf(v) + 0.5f; /* scale 1: every code is a tie, save the largest */
            if (j == k / 2) v = top[r];
            tare_store(t, x, (size_t)(r * k + j), v);
        }
}

static int code_of(const xquant *j, int64_t row, int64_t i) {
    return j->wide ? ((const int16_t *)j->q)[row * j->ldq + i]
                   : ((const int8_t *)j->q)[row * j->ldq + i];
}

static void check_row(const variant *v, const xquant *j, int64_t row) {
    float a = 0;
    for (int64_t i = 0; i < j->k; i++) {
        float b = fabsf(tare_load(j->type, j->x, (size_t)(row * j->k + i)));
        if (b > a) a = b;
    }
    float s = a < 0x1p-100f ? 0 : a / 127.0f, inv = a < 0x1p-100f ? 0 : 127.0f / a;
    cr_assert(memcmp(&s, &j->scale[row], 4) == 0, "%s: row %d: scale %a, must be %a", v->name,
              (int)row, (double)j->scale[row], (double)s);
    for (int64_t g = 0; g < j->segments; g++) {
        int32_t sum = 0;
        for (int64_t i = g * j->segment; i < (g + 1) * j->segment && i < j->ldq; i++) {
            float x = i < j->k ? tare_load(j->type, j->x, (size_t)(row * j->k + i)) * inv : 0;
            int q = (int)rintf(x);
            cr_assert_eq(code_of(j, row, i), q, "%s: type %s, k %d, row %d: code %d is %d, not %d",
                         v->name, tare_type_name(j->type), (int)j->k, (int)row, (int)i,
                         code_of(j, row, i), q);
            sum += q;
        }
        cr_assert_eq(j->minus[row * j->segments + g], -j->factor * sum, "%s: sum of segment %d",
                     v->name, (int)g);
    }
}

static void check(const variant *v, tare_type type, int64_t k, int64_t segment, int wide) {
    uint64_t seed = 20261123;
    xquant j = {.type = type, .k = k, .m = ROWS, .wide = wide, .ldq = xquant_stride(k)};
    j.segment = segment ? segment : j.ldq;
    j.segments = segment ? (k + segment - 1) / segment : 1;
    j.factor = segment ? 8 : 1;
    /* No byte to spare: reading past a row shows under a sanitizer. */
    void *x = malloc((size_t)(ROWS * k) * tare_type_bytes(type));
    fill(x, type, k, &seed);
    j.x = x;
    j.q = tare_alloc((size_t)(ROWS * j.ldq) * 2);
    j.scale = malloc(ROWS * sizeof *j.scale);
    j.minus = malloc((size_t)(ROWS * j.segments) * sizeof *j.minus);
    memset(j.q, 0x55, (size_t)(ROWS * j.ldq) * 2);
    v->rows(&j, 0, 3);
    v->rows(&j, 3, ROWS);
    for (int64_t r = 0; r < ROWS; r++) check_row(v, &j, r);
    free(x);
    tare_free(j.q);
    free(j.scale);
    free(j.minus);
}

Test(xquant, every_variant_gives_the_defined_bits) {
    static const int64_t ks[] = {1, 15, 16, 17, 31, 63, 64, 65, 127, 255, 257, 1024, 1031};
    static const tare_type types[] = {TARE_F32, TARE_F16, TARE_BF16};
    static const int64_t segments[] = {0, 32, 64, 128};
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        const variant *v = &variants[i];
        if (v->needs & ~cpu_features()) continue;
        for (size_t k = 0; k < sizeof ks / sizeof *ks; k++)
            for (int t = 0; t < 3; t++)
                for (int s = 0; s < 4; s++)
                    for (int wide = !v->narrow; wide <= v->wide; wide++)
                        check(v, types[t], ks[k], segments[s], wide);
    }
}
