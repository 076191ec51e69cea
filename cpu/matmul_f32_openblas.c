/* Dense f32 by OpenBLAS: sgemv for one row of x, sgemm for more, bias and ReLU as a pass after it.
 * The blob is W, row by row.
 *
 * OpenBLAS chooses its kernels by the processor: TARE_CPU_MASK does not reach it. It runs as many
 * threads as ours do, on a pool of its own or of OpenMP's, which must not spin when it waits, or
 * ours run beside it (src/cli/environment.c).
 *
 * A release knows the processors of its day: 0.3.21 takes one that came later for a Prescott and
 * runs at a sixth of the speed. OPENBLAS_CORETYPE=SkylakeX in the environment, before it is opened,
 * is the remedy, which the tool applies (the same file). The core in use stands in the device's
 * `runtime`, and the cost below goes by it. */
#include "cpu/finish.h"
#include "cpu/lib/openblas.h"
#include "cpu/rows.h"
#include "src/takes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* f32 operations a cycle of the core that OpenBLAS thinks it runs on. */
static double core_speed(void) {
    static const struct {
        const char *core;
        double ops;
    } known[] = {{"SkylakeX", 64}, {"Cooperlake", 64},  {"SapphireRapids", 64}, {"Haswell", 32},
                 {"Zen", 32},      {"Sandybridge", 16}, {"Bulldozer", 16},      {"Piledriver", 16}};
    const char *core = openblas_core();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(known[i].core, core) == 0) return known[i].ops;
    return 8;
}

/* Against what our own rows may use: the rates were measured with that. */
static double share_of_peak(void) {
    return core_speed() / cpu_f32_ops();
}

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                                     .codings = TAKES_F32,
                                     .x = TAKES(TARE_F32),
                                     .y = TAKES(TARE_F32),
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    double m = (double)p->m, n = (double)p->n, k = (double)p->k;
    f->packed_bytes = (size_t)p->n * (size_t)p->k * sizeof(float);
    f->bytes = 4 * (n * k + m * k + m * n);
    f->ops = 2 * m * n * k;
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, rates, 0.8, 0.8 * share_of_peak());
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    (void)p, (void)used;
    memcpy(blob, t->part[TARE_VALUES].data, t->part[TARE_VALUES].bytes);
    return TARE_OK;
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    TARE_TRY(openblas_multiply((int)a->m, (int)p->n, (int)p->k, a->x, a->packed, a->y, a->threads));
    cpu_bias_relu(a->y, a->m, p->n, a->bias, (p->flags & TARE_RELU) != 0, a->threads);
    return TARE_OK;
}

const tare_kernel matmul_f32_openblas = {
    .name = "matmul_f32_openblas",
    .op = TARE_MATMUL,
    .needs = CPU_OPENBLAS,
    .vendor = "OpenBLAS",
    .fit = fit,
    .pack = pack,
    .run = run,
};
