/* The mutation gate: kernels that are broken on purpose, each in one way that a real kernel could
 * be, go through the very check that checkall applies, and the check must reject every one. The
 * sound version of the same kernel must pass, or the gate would prove nothing. */
#include "tests/rowcheck.h"

#include <tare/bits.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum mutant {
    SOUND,
    LAST_K_DROPPED,
    LAST_ROW_STALE,
    LAST_COLUMN_STALE,
    BIAS_TWICE,
    RELU_FORGOTTEN,
    SCALE_OF_NEXT_ROW,
    ZERO_POINT_IGNORED,
    F16_ACCUMULATOR,
    WRITES_BEHIND_Y,
    WRITES_X,
    DRIFTS,
    X_NOT_QUANTISED,
    X_TRUNCATED,
    PACKS_TOO_MUCH,
    REFUSES_MUTELY,
    REFUSES_ALL,
    MUTANTS
} mutant;

static const char *const names[] = {
    "sound",
    "last k dropped",
    "last row of y stale",
    "last column of y stale",
    "bias twice",
    "ReLU forgotten",
    "scale of next row",
    "zero point ignored",
    "f16 accumulator",
    "writes behind y",
    "writes x",
    "drifts between runs",
    "x not quantised",
    "x quantised by truncation",
    "packs more than it said",
    "refuses without reason",
    "refuses everything",
};

static mutant current;
static int calls;

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    size_t bytes[TARE_PARTS];
    (void)rates;
    if (current == REFUSES_MUTELY) return 0;
    if (current == REFUSES_ALL || tare_tensor_size(&p->w, p->n, p->k, p->nnz, bytes) != TARE_OK) {
        snprintf(f->why, sizeof f->why, "not today");
        return 0;
    }
    f->packed_bytes = sizeof(tare_tensor);
    f->unit = TARE_PROBE_F32;
    return 1;
}

/* Keeps pointers into the caller's tensor, which outlives the run in the check. */
static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    (void)p;
    memcpy(blob, t, sizeof *t);
    if (current == PACKS_TOO_MUCH) *used += 64;
    return TARE_OK;
}

static double x_value(const tare_problem *p, const void *x, int64_t row, int64_t j, double s,
                      double inv) {
    float v = tare_load(p->x, x, (size_t)(row * p->k + j));
    if (!(p->flags & TARE_X_QUANTISED) || current == X_NOT_QUANTISED) return v;
    if (p->flags & TARE_X_F8) return s * tare_f8_to_f32(tare_f32_to_f8(v * (float)inv));
    return s * (current == X_TRUNCATED ? trunc((double)v * inv) : rintf(v * (float)inv));
}

static double element(const tare_run_args *a, int64_t r, int64_t c, const double *w) {
    const tare_problem *p = a->problem;
    float top = 0;
    for (int64_t j = 0; j < p->k; j++)
        top = fmaxf(top, fabsf(tare_load(p->x, a->x, (size_t)(r * p->k + j))));
    float most = p->flags & TARE_X_F8 ? 448 : 127;
    double s = top < 0x1p-100f ? 0 : top / most, inv = top < 0x1p-100f ? 0 : most / top;
    double sum = 0;
    int64_t end = p->k - (current == LAST_K_DROPPED);
    for (int64_t j = 0; j < end; j++) {
        sum += x_value(p, a->x, r, j, s, inv) * w[j];
        if (current == F16_ACCUMULATOR) sum = tare_f16_to_f32(tare_f32_to_f16((float)sum));
    }
    if (a->bias) sum += a->bias[c] * (current == BIAS_TWICE ? 2 : 1);
    if ((p->flags & TARE_RELU) && sum < 0 && current != RELU_FORGOTTEN) sum = 0;
    if (current == DRIFTS) sum *= 1 + 0x1p-22 * (calls & 1);
    return sum;
}

static tare_status row_of(const tare_run_args *a, int64_t c, double *w) {
    tare_tensor t = *(const tare_tensor *)a->packed;
    uint8_t none[4096];
    if (current == SCALE_OF_NEXT_ROW && t.format.scaling == TARE_SCALE_ROW && c + 1 < t.n)
        t.part[TARE_SCALES].data = (float *)t.part[TARE_SCALES].data + 1;
    if (current == ZERO_POINT_IGNORED && t.part[TARE_ZEROS].bytes) {
        memset(none, t.format.value == TARE_I4 ? TARE_I4_ZERO : 0, sizeof none);
        if (t.part[TARE_ZEROS].bytes <= sizeof none) t.part[TARE_ZEROS].data = none;
    }
    return tare_decode_row_f64(&t, c, w);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    static double w[4096];
    calls++;
    int64_t rows = a->m - (current == LAST_ROW_STALE), cols = p->n - (current == LAST_COLUMN_STALE);
    for (int64_t c = 0; c < cols; c++) {
        TARE_TRY(row_of(a, c, w));
        for (int64_t r = 0; r < rows; r++)
            tare_store(p->y, a->y, (size_t)(r * p->n + c), (float)element(a, r, c, w));
    }
    if (current == WRITES_BEHIND_Y) tare_store(p->y, a->y, (size_t)(a->m * p->n), 0);
    if (current == WRITES_X) memset((void *)(uintptr_t)a->x, 0, 2);
    return TARE_OK;
}

static const tare_kernel broken = {.name = "mutant",
                                   .op = TARE_MATMUL,
                                   .flags = TARE_ROW_REPEATABLE,
                                   .fit = fit,
                                   .pack = pack,
                                   .run = run};

static int passes(mutant m, rowcheck *c) {
    current = m;
    *c = (rowcheck){.seed = 7, .quick = 1};
    return rowcheck_run(tare_device_get(0), &broken, c);
}

Test(mutation, the_sound_kernel_passes) {
    rowcheck c;
    cr_assert(passes(SOUND, &c), "%s", c.failure);
    cr_assert_gt(c.runs, 100);
}

Test(mutation, every_mutant_is_rejected) {
    for (int m = SOUND + 1; m < MUTANTS; m++) {
        rowcheck c;
        cr_expect_not(passes((mutant)m, &c), "the check let '%s' through", names[m]);
    }
}
