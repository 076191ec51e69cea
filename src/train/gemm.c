/* Plans once a shape, packs and runs once a product. On devices with their own memory x, w and y
 * are moved each time; the CPU works in place. */
#include "src/train/gemm.h"

#include <string.h>

#include "src/internal.h"

static const tare_format dense_f32 = {.value = TARE_F32, .layout = TARE_DENSE};

/* A row's predicted time with its packing: the blob is written once and the weights read once, at
 * the speed of the last cache. Packing that moves values into tiles takes about twice a copy. */
typedef struct choice {
    const char *kernel;
    double cost;
    int repeatable;
} choice;

static int weigh(void *ctx, const tare_row_report *r) {
    choice *best = ctx;
    if (!r->fits || (r->plan.row->flags & TARE_ROW_REFERENCE)) return 0;
    tare_rates rates;
    tare_device_rates(r->plan.device, &rates);
    double speed = rates.cache_gbs > 0 ? rates.cache_gbs : rates.read_gbs;
    double copies = r->vendor ? 2 : 4; /* a vendor row takes the matrix as it is */
    double cost = r->plan.cost_ns + copies * (double)r->plan.packed_bytes / speed;
    int repeatable = (r->plan.row->flags & TARE_ROW_REPEATABLE) != 0;
    /* Near ties go by the table's order, best first, as the planner has it. */
    int better = repeatable != best->repeatable ? repeatable : cost < 0.95 * best->cost;
    if (!best->kernel || better) *best = (choice){r->kernel, cost, repeatable};
    return 0;
}

static tare_status find(gemm *g, const tare_problem *p, const tare_plan **out) {
    for (int i = 0; i < g->count; i++) {
        const tare_problem *q = &g->plan[i].problem;
        if (q->m == p->m && q->n == p->n && q->k == p->k && q->flags == p->flags) {
            *out = &g->plan[i];
            return TARE_OK;
        }
    }
    if (g->count == GEMM_PLANS)
        TARE_FAIL(TARE_E_ARG, "train: more than %d different products", GEMM_PLANS);
    choice best = {0};
    TARE_TRY(tare_explain(g->device, p, NULL, weigh, &best));
    tare_plan_options o = {.only = best.kernel};
    tare_plan *plan = &g->plan[g->count];
    TARE_TRY(tare_plan_make(g->device, p, &o, plan));
    TARE_TRY(tare_stream_reserve(g->stream, plan));
    g->count++;
    *out = plan;
    return TARE_OK;
}

/* Borrows host memory where the device can, copies into a buffer where not. */
static tare_status lend(gemm *g, const void *host, size_t bytes, tare_buffer **out) {
    tare_status s = tare_buffer_wrap(g->device, (void *)(uintptr_t)host, bytes, out);
    if (s != TARE_E_UNSUPPORTED) return s;
    TARE_TRY(tare_buffer_create(g->device, bytes, out));
    return tare_buffer_write(g->stream, *out, 0, host, bytes);
}

typedef struct operands {
    tare_packed *w;
    tare_buffer *x, *bias, *y;
} operands;

static tare_status multiply(gemm *g, const tare_plan *plan, operands *o, const float *x,
                            const tare_tensor *w, const float *bias, float *y) {
    const tare_problem *p = &plan->problem;
    size_t x_bytes = (size_t)(p->m * p->k) * sizeof *x, y_bytes = (size_t)(p->m * p->n) * sizeof *y;
    TARE_TRY(tare_pack(plan, w, &o->w));
    TARE_TRY(lend(g, x, x_bytes, &o->x));
    if (bias) TARE_TRY(lend(g, bias, (size_t)p->n * sizeof *bias, &o->bias));
    tare_status s = tare_buffer_wrap(g->device, y, y_bytes, &o->y);
    int away = s == TARE_E_UNSUPPORTED;
    if (away) s = tare_buffer_create(g->device, y_bytes, &o->y);
    TARE_TRY(s);
    TARE_TRY(tare_run(plan, o->w, g->stream, o->x, o->bias, o->y, 0));
    if (away) TARE_TRY(tare_buffer_read(g->stream, o->y, 0, y, y_bytes));
    return tare_stream_sync(g->stream);
}

tare_status gemm_nt(gemm *g, int64_t m, int64_t n, int64_t k, const float *x, const float *w,
                    const float *bias, int relu, float *y) {
    if (!g || !x || !w || !y) TARE_FAIL(TARE_E_ARG, "train: null argument");
    tare_tensor t = {.format = dense_f32, .n = n, .k = k, .nnz = n * k};
    t.part[TARE_VALUES].data = (void *)(uintptr_t)w;
    t.part[TARE_VALUES].bytes = (size_t)(n * k) * sizeof *w;
    uint32_t flags = (bias ? TARE_BIAS : 0) | (relu ? TARE_RELU : 0);
    tare_problem p = tare_problem_matmul(&t, m, TARE_F32, TARE_F32, flags);
    const tare_plan *plan = NULL;
    TARE_TRY(find(g, &p, &plan));
    operands o = {0};
    tare_status s = multiply(g, plan, &o, x, &t, bias, y);
    tare_packed_destroy(o.w);
    tare_buffer_destroy(o.x);
    tare_buffer_destroy(o.bias);
    tare_buffer_destroy(o.y);
    return s;
}

const char *gemm_kernel(const gemm *g, int64_t m, int64_t n, int64_t k) {
    for (int i = 0; i < g->count; i++) {
        const tare_problem *q = &g->plan[i].problem;
        if (q->m == m && q->n == n && q->k == k) return g->plan[i].kernel;
    }
    return NULL;
}

enum { T = 16 }; /* tiles of 16 x 16: a cache line each way */

typedef struct turning {
    int64_t rows, cols;
    const float *in;
    float *out;
} turning;

static void turn_tiles(void *ctx, int64_t from, int64_t to, int part) {
    const turning *t = ctx;
    int64_t rows = t->rows, cols = t->cols;
    (void)part;
    for (int64_t c0 = from * T; c0 < to * T && c0 < cols; c0 += T)
        for (int64_t r0 = 0; r0 < rows; r0 += T) {
            int64_t c1 = c0 + T < cols ? c0 + T : cols, r1 = r0 + T < rows ? r0 + T : rows;
            for (int64_t c = c0; c < c1; c++)
                for (int64_t r = r0; r < r1; r++) t->out[c * rows + r] = t->in[r * cols + c];
        }
}

void gemm_transpose(int64_t rows, int64_t cols, const float *in, float *out) {
    turning t = {rows, cols, in, out};
    parallel_ranges((cols + T - 1) / T, rows * cols < 65536 ? 1 : tare_threads(), turn_tiles, &t);
}

tare_status gemm_open(tare_device *d, gemm *out) {
    if (!d || !out) TARE_FAIL(TARE_E_ARG, "train: null argument");
    memset(out, 0, sizeof *out);
    out->device = d;
    return tare_stream_create(d, &out->stream);
}

void gemm_close(gemm *g) {
    if (!g) return;
    tare_stream_destroy(g->stream);
    memset(g, 0, sizeof *g);
}
