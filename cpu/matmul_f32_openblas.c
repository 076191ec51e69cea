/* Dense f32 by OpenBLAS: sgemv for one row of x, sgemm for more, bias and ReLU as a pass after it.
 * The blob is W, row by row.
 *
 * OpenBLAS chooses its kernels by the processor: TARE_CPU_MASK does not reach it. An OpenMP build
 * takes its threads from OpenMP and shares the pool with our own rows; a build with threads of its
 * own (libopenblas0-pthread) is told their number, and its threads contend with ours.
 *
 * A release knows the processors of its day: 0.3.21 takes one that came later for a Prescott and
 * runs at a sixth of the speed. OPENBLAS_CORETYPE=SkylakeX in the environment, before the program
 * starts, is the remedy, which the tool applies to itself (src/cli/restart.c). The core in use
 * stands in the device's `runtime`, and the cost below goes by it. */
#include "cpu/finish.h"
#include "cpu/omp_threads.h"
#include "cpu/rows.h"
#include "src/takes.h"

#include <cblas.h>
#include <string.h>
#include <strings.h>

enum { OWN_THREADS = 1 }; /* openblas_get_parallel(): 0 none, 1 its own, 2 OpenMP */

/* f32 operations a cycle of the core that OpenBLAS thinks it runs on. */
static double core_speed(void) {
    static const struct {
        const char *core;
        double ops;
    } known[] = {{"SkylakeX", 64}, {"Cooperlake", 64},  {"SapphireRapids", 64}, {"Haswell", 32},
                 {"Zen", 32},      {"Sandybridge", 16}, {"Bulldozer", 16},      {"Piledriver", 16}};
    const char *core = openblas_get_corename();
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

static void product(const tare_run_args *a) {
    int m = (int)a->m, n = (int)a->problem->n, k = (int)a->problem->k;
    const float *w = a->packed, *x = a->x;
    if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, w, k, x, 1, 0, a->y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, w, k, 0, a->y, n);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    if (openblas_get_parallel() == OWN_THREADS && openblas_get_num_threads() != a->threads)
        openblas_set_num_threads(a->threads);
    int before = omp_threads_enter(a->threads);
    product(a);
    omp_threads_leave(before, a->threads);
    cpu_bias_relu(a->y, a->m, p->n, a->bias, (p->flags & TARE_RELU) != 0, a->threads);
    return TARE_OK;
}

const tare_kernel matmul_f32_openblas = {
    .name = "matmul_f32_openblas",
    .op = TARE_MATMUL,
    .vendor = "OpenBLAS",
    .fit = fit,
    .pack = pack,
    .run = run,
};
