/* The rows of a device against the fp64 reference, without a test framework, so that it runs on
 * machines that have none, under tools that watch every access, and in environments that libraries
 * read when they are opened:
 *
 *   checkrows small DEVICE   awkward shapes of a few rows: for oclgrind and compute-sanitizer
 *   checkrows all DEVICE     what checkall does: every format, type, flag and shape, and large
 * ones; and what test_xnan does: x that is not finite
 *
 *   checkrows names DEVICE   only what the rows are called
 *
 * DEVICE: how the ids begin, "opencl", "cuda:0" or "cpu". A third argument: the row of that name,
 * or where there is none only rows whose name holds it. A line a row; 0 where all are right, 3
 * where a row took the device along: that row is named, and those after it are not tried. */
#include "bench/devices.h"
#include "tests/rowcheck.h"
#include "tests/rowdata.h"
#include "tests/rowvalues.h"

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
enum { LOST = -2 }; /* of a check: neither right nor wrong */

/* Of a row: packed on the device, or refused there. */
static rowvalues packings;

typedef struct rig {
    float *w;
    tare_tensor t;
    tare_packed *w_packed;
    tare_stream *s;
    tare_buffer *x, *bias, *y;
    void *xs, *ys;
    float *b;
    double *ref, *mag;
} rig;

static void clear(rig *r) {
    tare_buffer_destroy(r->x);
    tare_buffer_destroy(r->bias);
    tare_buffer_destroy(r->y);
    tare_stream_destroy(r->s);
    tare_packed_destroy(r->w_packed);
    tare_tensor_clear(&r->t);
    free(r->w), free(r->xs), free(r->ys), free(r->b), free(r->ref), free(r->mag);
}

static tare_status multiply(const tare_plan *plan, rig *r) {
    const tare_problem *p = &plan->problem;
    size_t x = (size_t)(p->m * p->k) * tare_type_bytes(p->x),
           y = (size_t)(p->m * p->n) * tare_type_bytes(p->y), b = (size_t)p->n * sizeof(float);
    r->ys = malloc(y);
    TARE_TRY(tare_pack(plan, &r->t, &r->w_packed));
    TARE_TRY(tare_stream_create(plan->device, &r->s));
    TARE_TRY(tare_stream_reserve(r->s, plan));
    TARE_TRY(rowvalues_pack(plan, r->s, r->w, &r->w_packed, &packings));
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
        int ran = tare_reference(&p, &r.t, r.xs, bias, r.ref, r.mag) == TARE_OK &&
                  multiply(&plan, &r) == TARE_OK;
        ok = ran;
        if (!ran) printf("%s, %s, m %d: %s\n", row->name, name, (int)q->m, tare_last_error());
        for (size_t i = 0; ok && i < count; i++)
            ok = fabs((double)tare_load(q->type, r.ys, i) - r.ref[i]) <=
                 tare_error_bound(&p, r.ref[i], r.mag[i]);
        if (ran && !ok) printf("%s, %s, m %d: wrong\n", row->name, name, (int)q->m);
    }
    clear(&r);
    return ok;
}

static int check_small(tare_device *d, const tare_kernel *row) {
    int runs = 0, ok = 1, count = KASES;
    memset(&packings, 0, sizeof packings);
    if (strncmp(d->info.id, "cuda", 4) != 0) count -= CUDA_KASES;
    for (int i = 0; rowcheck_format(i); i++)
        for (int c = 0; c < 2 * count; c++) {
            kase q = kases[c / 2];
            if (c % 2) q.flags |= TARE_X_I8;
            int one = check(d, row, rowcheck_format(i), &q);
            if (one >= 0) runs++;
            if (one == 0) ok = 0;
            if (one == 0 && bench_device_lost(d)) return LOST;
        }
    printf("%-8s %-28s %5d runs: %s\n", d->info.id, row->name, runs,
           ok && runs ? "right" : "WRONG");
    if (packings.skipped)
        printf("%-8s %-28s %5ld packings there skipped: %s\n", d->info.id, row->name,
               packings.skipped, packings.why);
    return ok && runs;
}

static int check_all(tare_device *d, const tare_kernel *row) {
    rowcheck c = {.seed = 20261124};
    int ok = rowcheck_run(d, row, &c) && rowcheck_large(d, row, &c) && rowcheck_xnan(d, row, &c);
    if (!ok && bench_device_lost(d)) {
        printf("%s\n", c.failure);
        return LOST;
    }
    printf("%-8s %-28s %5ld runs, worst error %.2f of the bound: %s\n", d->info.id, row->name,
           c.runs, c.worst, ok ? "right" : c.failure);
    return ok;
}

static int is_wanted(const tare_device *d, const tare_kernel *row, const char *part) {
    for (const tare_kernel *const *r = d->backend->rows; *r; r++)
        if (strcmp((*r)->name, part) == 0) return strcmp(row->name, part) == 0;
    return strstr(row->name, part) != NULL;
}

typedef struct tally {
    int rows, wrong, lost, untried;
    enum { SMALL, ALL, NAMES } what;
} tally;

/* lost: the row that took the device along, null until one does. */
static void check_row(tare_device *d, const tare_kernel *row, const char **lost, tally *t) {
    char why[160];
    if (tare_row_left_out(row->name)) {
        printf("%-8s %-28s skipped: " TARE_LEFT_OUT "\n", d->info.id, row->name);
        return;
    }
    if (!tare_plan_features(d, row, why)) {
        printf("%-8s %-28s skipped: %s\n", d->info.id, row->name, why);
        return;
    }
    if (*lost) {
        printf("%-8s %-28s not tried: the device was lost in %s\n", d->info.id, row->name, *lost);
        t->untried++;
        return;
    }
    int ok = t->what == ALL ? check_all(d, row) : check_small(d, row);
    t->rows++;
    t->wrong += ok == 0;
    if (ok == LOST) {
        printf("%-8s %-28s LOST THE DEVICE\n", d->info.id, row->name);
        *lost = row->name;
        t->lost++;
    }
}

/* part: of the names of the rows that are checked. */
static void check_device(tare_device *d, const char *part, tally *t) {
    const char *lost = NULL;
    for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
        if (!is_wanted(d, *row, part)) continue;
        if (t->what == NAMES)
            printf("%s\n", (*row)->name);
        else
            check_row(d, *row, &lost, t);
        fflush(stdout);
    }
}

static int tell(const tally *t) {
    int right = t->rows && !t->wrong && !t->lost;
    for (int i = 0; tare_backend_refusal(i); i++) printf("%s\n", tare_backend_refusal(i));
    printf("checkrows: %d rows, %s", t->rows, right ? "all right" : "NOT right");
    if (t->lost) printf("; %d lost the device, %d not tried after it", t->lost, t->untried);
    printf("\n");
    fflush(stdout);
    return t->lost ? 3 : !right;
}

int main(int argc, char **argv) {
    static const char *const whats[] = {"small", "all", "names"};
    tally t = {.what = 0};
    while (argc > 1 && t.what <= NAMES && strcmp(argv[1], whats[t.what]) != 0) t.what++;
    if (argc < 3 || argc > 4 || t.what > NAMES) {
        fprintf(stderr, "usage: checkrows small|all|names DEVICE [ROW]\n");
        return 2;
    }
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        if (strncmp(d->info.id, argv[2], strlen(argv[2])) == 0)
            check_device(d, argc > 3 ? argv[3] : "", &t);
    }
    int code = t.what == NAMES ? 0 : tell(&t);
    /* CLBlast gives its programs back from a destructor at exit, when oclgrind has already taken
     * down the compiler that they belong to. */
    if (getenv("TARE_CHECKROWS_NO_EXIT_HANDLERS")) _Exit(code);
    return code;
}
