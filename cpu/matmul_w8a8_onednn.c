/* W8A8 by oneDNN: x is quantised by us, as everywhere; the library multiplies signed bytes into
 * i32, exactly; scales, bias and ReLU are a pass of ours over the sums. The library could scale by
 * itself, but only by column, and a pass for the rows of x would remain.
 *
 * The blob: where the library's part starts, the scales of W, the library's part. Scratch: codes of
 * x, their scales, a side product of the quantiser, the sums, what the library wants. */
#include "cpu/family.h"
#include "cpu/finish.h"
#include "cpu/onednn.h"
#include "cpu/rows.h"
#include "cpu/xquant.h"
#include "src/takes.h"

#include <stdio.h>
#include <string.h>

enum { K_MAX = 131072 }; /* * 127 * 128 < 2^31 */

typedef struct areas {
    size_t scale, minus, sum, library;
} areas;

static onednn_case case_of(const tare_problem *p, int64_t m, int threads) {
    return (onednn_case){
        .m = m, .n = p->n, .k = p->k, .x = TARE_I8, .w = TARE_I8, .threads = threads};
}

static areas areas_of(const tare_problem *p) {
    areas a;
    size_t m = (size_t)p->m;
    a.scale = cpu_round_up(m * (size_t)p->k + 64, 64); /* the last row's padding */
    a.minus = a.scale + cpu_round_up(m * sizeof(float), 64);
    a.sum = a.minus + cpu_round_up(m * sizeof(int32_t), 64);
    a.library = a.sum + cpu_round_up(m * (size_t)p->n * sizeof(int32_t), 64);
    return a;
}

typedef struct head {
    size_t library; /* bytes from here */
    float scale[];
} head;

static size_t head_bytes(const tare_problem *p) {
    size_t n = p->w.scaling == TARE_SCALE_ROW ? (size_t)p->n : 1;
    return cpu_round_up(sizeof(head) + n * sizeof(float), 64);
}

static int refuse(tare_fit *f, const char *text) {
    snprintf(f->why, sizeof f->why, "%s", text);
    return 0;
}

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                                     .codings = TAKES_I8_PLAIN,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_I8,
                                     .wants = TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (p->k > K_MAX) return refuse(f, "i32 sums hold k up to 131072");
    onednn_case c = case_of(p, p->m, tare_threads());
    size_t packed, scratch;
    if (!onednn_fit(&c, &packed, &scratch, f->why)) return 0;
    f->packed_bytes = packed + head_bytes(p);
    f->scratch_bytes = areas_of(p).library + scratch;
    double m = (double)p->m, n = (double)p->n, k = (double)p->k;
    f->bytes = (double)f->packed_bytes + m * k * (double)tare_type_bytes(p->x) +
               m * n * (double)tare_type_bytes(p->y);
    f->ops = 2 * m * n * k;
    f->unit = TARE_PROBE_I8;
    tare_fit_cost(f, rates, 0.8, 0.8);
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    onednn_case c = case_of(p, p->m, tare_threads());
    head *h = blob;
    h->library = head_bytes(p);
    memcpy(h->scale, t->part[TARE_SCALES].data, t->part[TARE_SCALES].bytes);
    size_t rest = *used - h->library;
    return onednn_pack(&c, t->part[TARE_VALUES].data, (char *)blob + h->library, &rest);
}

/* The quantiser pads rows to 64 codes, the library gets rows without a gap: where k is no multiple
 * of 64, a row's padding falls into the next row, which then overwrites it, in order. */
static void quantise_rows(void *ctx, int64_t from, int64_t to, int part) {
    const tare_run_args *a = ctx;
    const tare_problem *p = a->problem;
    areas at = areas_of(p);
    xquant_rows *rows = cpu_family_here.xquant(cpu_features());
    int64_t padded = (int64_t)cpu_round_up((size_t)p->k, 64);
    char *s = a->scratch;
    (void)part;
    for (int64_t i = from; i < to; i++) {
        xquant q = {.x = (const char *)a->x + (size_t)(i * p->k) * tare_type_bytes(p->x),
                    .type = p->x,
                    .k = p->k,
                    .m = 1,
                    .q = s + i * p->k,
                    .ldq = padded,
                    .scale = (float *)(s + at.scale) + i,
                    .minus = (int32_t *)(s + at.minus) + i,
                    .segment = padded,
                    .segments = 1,
                    .factor = 1};
        rows(&q, 0, 1);
    }
}

static void quantise(const tare_run_args *a) {
    int one_after_another = a->problem->k % 64 != 0;
    parallel_ranges(a->m, one_after_another ? 1 : a->threads, quantise_rows, (void *)(uintptr_t)a);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    const head *h = a->packed;
    areas at = areas_of(p);
    char *s = a->scratch;
    quantise(a);
    onednn_run r = {.c = case_of(p, a->m, a->threads),
                    .blob = (const char *)h + h->library,
                    .x = s,
                    .y = s + at.sum,
                    .scratch = s + at.library,
                    .scratch_bytes = a->scratch_bytes - at.library};
    TARE_TRY(onednn_execute(&r));
    cpu_rescale_rows(&(cpu_rescale){.sum = (const int32_t *)(s + at.sum),
                                    .xscale = (const float *)(s + at.scale),
                                    .wscale = h->scale,
                                    .bias = a->bias,
                                    .m = a->m,
                                    .n = p->n,
                                    .wstep = p->w.scaling == TARE_SCALE_ROW,
                                    .y = a->y,
                                    .type = p->y,
                                    .relu = (p->flags & TARE_RELU) != 0,
                                    .threads = a->threads});
    return TARE_OK;
}

static void release(void *state, void *blob) {
    onednn_release(state, (char *)blob + ((const head *)blob)->library);
}

const tare_kernel matmul_w8a8_onednn = {
    .name = "matmul_w8a8_onednn",
    .op = TARE_MATMUL,
    .needs = CPU_ONEDNN | CPU_ONEDNN_I8,
    .vendor = "oneDNN",
    .fit = fit,
    .pack = pack,
    .run = run,
    .release = release,
};
