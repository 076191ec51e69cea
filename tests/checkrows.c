/* The rows of a device against the fp64 reference, without a test framework, so
 * that it runs on machines that have none and under tools that watch every access:
 *
 *   checkrows small DEVICE   awkward shapes of a few rows: for oclgrind and compute-sanitizer
 *   checkrows all DEVICE     what checkall does: every format, type, flag and shape, and large ones
 *
 * DEVICE: how the ids begin, "opencl", "cuda:0" or "cpu". A third argument: only rows whose name
 * holds it. A line a row; 0 where all are right. */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct kase {
    int64_t m, n, k;
    tare_type type;
    uint32_t flags;
} kase;

/* One row of x, a few, and more than a tile; no multiple of any tile. Of x^T the last vectors pass
 * the last column where the second 64 rows begin with less than 64 left: 65 to 80 rows, whose
 * column is 80 long, and 97 to 112. With k a multiple of 4 those columns end where a buffer's 256
 * bytes do, so that no padding hides what is read behind them. The one after seven: some rows
 * decode weights to 16 bits, where the problem allows it. The last four are for CUDA's kernels, of
 * many rows of x and of splits of k; the tools that watch OpenCL would take an hour. */
static const kase kases[] = {
    {1, 19, 37, TARE_F32, 0},          {5, 17, 70, TARE_BF16, TARE_BIAS | TARE_RELU},
    {67, 18, 33, TARE_F32, TARE_BIAS}, {65, 18, 12, TARE_F32, 0},
    {80, 3, 4, TARE_BF16, 0},          {112, 18, 8, TARE_F32, TARE_RELU},
    {34, 17, 72, TARE_F16, 0},         {6, 17, 70, TARE_F16, TARE_W_ROUND | TARE_BIAS},
    {66, 70, 203, TARE_BF16, 0},       {259, 133, 104, TARE_F16, TARE_BIAS},
    {12, 33, 2000, TARE_F16, 0},       {17, 35, 700, TARE_BF16, TARE_RELU}};
enum { KASES = sizeof kases / sizeof *kases, CUDA_KASES = 4 };

typedef struct rig {
    float *w;
    tare_tensor t;
    tare_packed *w_packed;
    tare_stream *s;
    tare_buffer *x, *bias, *y, *values;
    void *xs, *ys;
    float *b;
    double *ref, *mag;
} rig;

static void clear(rig *r) {
    tare_buffer_destroy(r->values);
    tare_buffer_destroy(r->x);
    tare_buffer_destroy(r->bias);
    tare_buffer_destroy(r->y);
    tare_stream_destroy(r->s);
    tare_packed_destroy(r->w_packed);
    tare_tensor_clear(&r->t);
    free(r->w), free(r->xs), free(r->ys), free(r->b), free(r->ref), free(r->mag);
}

/* The weights that the row packs on the device replace those that were packed here. */
static tare_status pack_there(const tare_plan *plan, rig *r) {
    size_t bytes = (size_t)(r->t.n * r->t.k) * sizeof(float);
    if (!plan->row->pack_values) return TARE_OK;
    TARE_TRY(tare_buffer_create(plan->device, bytes, &r->values));
    TARE_TRY(tare_buffer_write(r->s, r->values, 0, r->w, bytes));
    tare_packed_destroy(r->w_packed);
    r->w_packed = NULL;
    TARE_TRY(tare_pack_values(plan, r->s, r->values, &r->w_packed));
    return tare_unpack_values(r->w_packed, r->s, r->values);
}

static tare_status multiply(const tare_plan *plan, rig *r) {
    const tare_problem *p = &plan->problem;
    size_t x = (size_t)(p->m * p->k) * tare_type_bytes(p->x),
           y = (size_t)(p->m * p->n) * tare_type_bytes(p->y), b = (size_t)p->n * sizeof(float);
    r->ys = malloc(y);
    TARE_TRY(tare_pack(plan, &r->t, &r->w_packed));
    TARE_TRY(tare_stream_create(plan->device, &r->s));
    TARE_TRY(tare_stream_reserve(r->s, plan));
    TARE_TRY(pack_there(plan, r));
    TARE_TRY(tare_buffer_create(plan->device, x, &r->x));
    TARE_TRY(tare_buffer_create(plan->device, y, &r->y));
    TARE_TRY(tare_buffer_write(r->s, r->x, 0, r->xs, x));
    if (p->flags & TARE_BIAS) {
        TARE_TRY(tare_buffer_create(plan->device, b, &r->bias));
        TARE_TRY(tare_buffer_write(r->s, r->bias, 0, r->b, b));
    }
    TARE_TRY(tare_run(plan, r->w_packed, r->s, r->x, r->bias, r->y, 0));
    TARE_TRY(tare_buffer_read(r->s, r->y, 0, r->ys, y));
    return tare_stream_sync(r->s);
}

static void fill(rig *r, const tare_format *f, const kase *q) {
    uint64_t state = 7;
    r->w = malloc((size_t)(q->n * q->k) * sizeof *r->w);
    fill_weights(r->w, q->n, q->k, f, PATTERN_SPARSE, &state);
    if (tare_encode(f, q->n, q->k, r->w, &r->t) != TARE_OK) abort();
    r->xs = malloc((size_t)(q->m * q->k) * 4);
    r->b = malloc((size_t)q->n * sizeof(float));
    fill_x(r->xs, q->type, q->m, q->k, &state);
    for (int64_t i = 0; i < q->n; i++) r->b[i] = random_unit(&state);
}

/* -1: the row does not take it. */
static int check(tare_device *d, const tare_kernel *row, const char *name, const kase *q) {
    rig r;
    tare_format f;
    tare_plan plan;
    tare_plan_options only = {.only = row->name};
    memset(&r, 0, sizeof r);
    if (tare_format_parse(name, &f) != TARE_OK) return 0;
    uint32_t flags = q->flags;
    if ((flags & TARE_X_I8) && f.scaling == TARE_SCALE_NONE) {
        if (f.value != TARE_F32 || q->type != TARE_F32) return -1;
        flags ^= TARE_X_I8 | TARE_TF32; /* nothing to quantise: the other thing a flag may allow */
    }
    if ((flags & TARE_X_I8) && f.value == TARE_F8) flags ^= TARE_X_I8 | TARE_X_F8 | TARE_SUM_F8;
    fill(&r, &f, q);
    tare_problem p = tare_problem_matmul(&r.t, q->m, q->type, q->type, flags);
    int ok = -1;
    if (tare_plan_make(d, &p, &only, &plan) == TARE_OK) {
        size_t count = (size_t)(q->m * q->n);
        r.ref = malloc(count * sizeof(double));
        r.mag = malloc(count * sizeof(double));
        const float *bias = q->flags & TARE_BIAS ? r.b : NULL;
        ok = tare_reference(&p, &r.t, r.xs, bias, r.ref, r.mag) == TARE_OK &&
             multiply(&plan, &r) == TARE_OK;
        if (!ok) printf("%s, %s: %s\n", row->name, name, tare_last_error());
        for (size_t i = 0; ok && i < count; i++)
            ok = fabs((double)tare_load(q->type, r.ys, i) - r.ref[i]) <=
                 tare_error_bound(&p, r.ref[i], r.mag[i]);
        if (!ok) printf("%s, %s, m %d: wrong\n", row->name, name, (int)q->m);
    }
    clear(&r);
    return ok;
}

static int check_small(tare_device *d, const tare_kernel *row) {
    int runs = 0, ok = 1, count = KASES;
    if (strncmp(d->info.id, "cuda", 4) != 0) count -= CUDA_KASES;
    for (int i = 0; rowcheck_format(i); i++)
        for (int c = 0; c < 2 * count; c++) {
            kase q = kases[c / 2];
            if (c % 2) q.flags |= TARE_X_I8;
            int one = check(d, row, rowcheck_format(i), &q);
            if (one >= 0) runs++;
            if (one == 0) ok = 0;
        }
    printf("%-8s %-28s %5d runs: %s\n", d->info.id, row->name, runs,
           ok && runs ? "right" : "WRONG");
    return ok && runs;
}

static int check_all(tare_device *d, const tare_kernel *row) {
    rowcheck c = {.seed = 20261124};
    int ok = rowcheck_run(d, row, &c) && rowcheck_large(d, row, &c);
    printf("%-8s %-28s %5ld runs, worst error %.2f of the bound: %s\n", d->info.id, row->name,
           c.runs, c.worst, ok ? "right" : c.failure);
    return ok;
}

/* part: of the names of the rows that are checked. */
static int check_device(tare_device *d, int all, const char *part, int *rows) {
    int ok = 1;
    for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
        char why[160];
        if (!strstr((*row)->name, part)) continue;
        if (!tare_plan_features(d, *row, why)) {
            printf("%-8s %-28s skipped: %s\n", d->info.id, (*row)->name, why);
            continue;
        }
        ok &= all ? check_all(d, *row) : check_small(d, *row);
        fflush(stdout);
        ++*rows;
    }
    return ok;
}

int main(int argc, char **argv) {
    int ok = 1, rows = 0;
    if (argc < 3 || argc > 4 || (strcmp(argv[1], "small") != 0 && strcmp(argv[1], "all") != 0)) {
        fprintf(stderr, "usage: checkrows small|all DEVICE [ROW]\n");
        return 2;
    }
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        if (strncmp(d->info.id, argv[2], strlen(argv[2])) != 0) continue;
        ok &= check_device(d, strcmp(argv[1], "all") == 0, argc > 3 ? argv[3] : "", &rows);
    }
    for (int i = 0; tare_backend_refusal(i); i++) printf("%s\n", tare_backend_refusal(i));
    printf("checkrows: %d rows, %s\n", rows, ok && rows ? "all right" : "NOT right");
    fflush(stdout);
    /* CLBlast gives its programs back from a destructor at exit, when oclgrind has already taken
     * down the compiler that they belong to. */
    if (getenv("TARE_CHECKROWS_NO_EXIT_HANDLERS")) _Exit(!(ok && rows));
    return !(ok && rows);
}
