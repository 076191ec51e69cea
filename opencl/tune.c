/* Tuning: field by field, each value that it may have is timed (clock.c says by whom) on jobs
 * that it matters to, with the best found so far in the other fields. A value must be faster by
 * more than NOISE to be taken. What does not build or launch on the device is no candidate.
 *
 * Values change under streams that are in use: nobody else may use the device meanwhile. */
#include "opencl/ocl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 2048, RUNS = 3 };
enum { FEW = 1, MANY = 2, SPARSE = 4, JOBS = 8 };
static const double noise = 0.03;

static const struct {
    const char *format;
    int m, kind;
} wanted[] = {{"i8-row", 1, FEW},        {"i8-row", 128, MANY},  {"f32", 4, FEW},
              {"f32", 128, MANY},        {"csr/f32", 1, SPARSE}, {"2:4/f32", 1, SPARSE},
              {"bitmap/f32", 1, SPARSE}, {"csr/f32", 64, SPARSE}};
enum { WANTED = sizeof wanted / sizeof *wanted };
_Static_assert((int)WANTED <= (int)JOBS, "room for the jobs");

/* Which jobs tell of a field. */
static int kinds_of(const char *field) {
    if (strcmp(field, "lanes") == 0) return SPARSE;
    if (strcmp(field, "tiled") == 0) return MANY;
    return FEW | MANY;
}

typedef struct job {
    const tare_kernel *row;
    tare_problem p;
    int kind;
    void *w, *x, *y, *scratch;
    size_t scratch_bytes;
    double best; /* ns with the best parameters so far */
} job;

typedef struct tuner {
    ocl_device *d;
    void *stream;
    job job[JOBS];
    int jobs;
    double slice; /* seconds a value and job */
    void (*tell)(void *ctx, const char *what, double done);
    void *ctx;
} tuner;

static double now(void) {
    return ocl_host_ns() * 1e-9;
}

/* ---- jobs ---- */

static const tare_kernel *first_row(const ocl_device *d, const tare_problem *p, tare_fit *fit) {
    /* The planner's business elsewhere: here any row of ours that shows what a field does. */
    const tare_rates rates = {
        .read_gbs = 10, .cache_gbs = 10, .f32_gflops = 100, .i8_gops = 100, .launch_ns = 1e4};
    for (const tare_kernel *const *r = ocl_rows; *r; r++) {
        memset(fit, 0, sizeof *fit);
        if (!(*r)->vendor && !((*r)->needs & ~d->features) && (*r)->fit(&rates, p, fit)) return *r;
    }
    return NULL;
}

/* Every other run of 16 columns is zero, so that sparse formats have something to leave out. */
static void fill(float *w, size_t count) {
    uint32_t s = 1;
    for (size_t i = 0; i < count; i++) {
        s = s * 1664525u + 1013904223u;
        w[i] = i / 16 % 4 ? 0 : (float)(int32_t)s * 0x1p-31f + 0x1p-20f;
    }
}

static tare_status upload(tuner *t, const void *from, size_t bytes, void **mem) {
    TARE_TRY(ocl_alloc(t->d, bytes, mem));
    TARE_TRY(ocl_write(t->d, t->stream, *mem, 0, from, bytes));
    return ocl_stream_sync(t->d, t->stream);
}

static tare_status pack(tuner *t, job *j, const tare_tensor *w, size_t bytes) {
    size_t used = bytes;
    void *blob = tare_alloc_zeroed(bytes);
    if (!blob) TARE_FAIL(TARE_E_NOMEM, "opencl: no memory to tune");
    tare_status s = j->row->pack(&j->p, w, blob, &used);
    if (s == TARE_OK) s = upload(t, blob, used, &j->w);
    tare_free(blob);
    return s;
}

static tare_status place(tuner *t, job *j, const tare_tensor *w, const tare_fit *fit,
                         const float *x) {
    size_t m = (size_t)j->p.m, n = (size_t)j->p.n, k = (size_t)j->p.k;
    TARE_TRY(pack(t, j, w, fit->packed_bytes));
    TARE_TRY(upload(t, x, m * k * sizeof(float), &j->x));
    TARE_TRY(ocl_alloc(t->d, m * n * sizeof(float), &j->y));
    j->scratch_bytes = fit->scratch_bytes;
    return fit->scratch_bytes ? ocl_alloc(t->d, fit->scratch_bytes, &j->scratch) : TARE_OK;
}

/* A job counts as soon as it has memory: drop_jobs then frees what there is. */
static tare_status add_job(tuner *t, int which, const float *values) {
    tare_format f;
    tare_tensor w;
    tare_fit fit;
    TARE_TRY(tare_format_parse(wanted[which].format, &f));
    TARE_TRY(tare_encode(&f, SIZE, SIZE, values, &w));
    job *j = &t->job[t->jobs];
    *j = (job){.kind = wanted[which].kind};
    j->p = tare_problem_matmul(&w, wanted[which].m, TARE_F32, TARE_F32, 0);
    j->row = first_row(t->d, &j->p, &fit);
    tare_status s = TARE_OK;
    if (j->row) {
        t->jobs++;
        s = place(t, j, &w, &fit, values);
    }
    tare_tensor_clear(&w);
    return s;
}

static void drop_jobs(tuner *t) {
    for (int i = 0; i < t->jobs; i++) {
        ocl_free(t->d, t->job[i].w);
        ocl_free(t->d, t->job[i].x);
        ocl_free(t->d, t->job[i].y);
        ocl_free(t->d, t->job[i].scratch);
    }
}

static tare_status make_jobs(tuner *t) {
    size_t count = (size_t)SIZE * SIZE;
    float *values = tare_alloc(count * sizeof *values);
    if (!values) TARE_FAIL(TARE_E_NOMEM, "opencl: no memory to tune");
    fill(values, count);
    tare_status s = TARE_OK;
    for (int i = 0; i < WANTED && s == TARE_OK; i++) s = add_job(t, i, values);
    tare_free(values);
    if (s == TARE_OK && t->jobs == 0)
        TARE_FAIL(TARE_E_UNSUPPORTED, "opencl: no kernel of %s has parameters", t->d->name);
    return s;
}

/* ---- measuring ---- */

/* The least of several runs, builds and the first left out. */
static tare_status measure(tuner *t, const job *j, double *ns) {
    double spent;
    ocl_watch w;
    tare_run_args a = {.problem = &j->p,
                       .packed = j->w,
                       .x = j->x,
                       .y = j->y,
                       .m = j->p.m,
                       .scratch = j->scratch,
                       .scratch_bytes = j->scratch_bytes,
                       .stream = t->stream,
                       .threads = 1};
    if (j->row->prepare) TARE_TRY(j->row->prepare(t->d, t->stream, &j->p));
    TARE_TRY(j->row->run(&a));
    TARE_TRY(ocl_watch_start(t->stream, &w));
    *ns = INFINITY;
    double end = now() + t->slice;
    for (int i = 0; i < RUNS || now() < end; i++) {
        TARE_TRY(ocl_watch_start(t->stream, &w));
        TARE_TRY(j->row->run(&a));
        TARE_TRY(ocl_watch_stop(t->stream, &w, OCL_KERNEL, &spent));
        if (spent > 0 && spent < *ns) *ns = spent;
    }
    return isfinite(*ns) ? TARE_OK : TARE_E_DEVICE;
}

/* Times the jobs of `kinds`; `gain` is the mean of the logarithms of best so far over now. */
static tare_status measure_all(tuner *t, int kinds, double ns[JOBS], double *gain) {
    int n = 0;
    *gain = 0;
    for (int i = 0; i < t->jobs; i++) {
        if (!(t->job[i].kind & kinds)) continue;
        TARE_TRY(measure(t, &t->job[i], &ns[i]));
        if (t->job[i].best > 0) *gain += log(t->job[i].best / ns[i]);
        n++;
    }
    if (n > 0) *gain /= n;
    return TARE_OK;
}

static void keep(tuner *t, int kinds, const double ns[JOBS]) {
    for (int i = 0; i < t->jobs; i++)
        if (t->job[i].kind & kinds) t->job[i].best = ns[i];
}

static int count_jobs(const tuner *t, int kinds) {
    int n = 0;
    for (int i = 0; i < t->jobs; i++) n += (t->job[i].kind & kinds) != 0;
    return n;
}

/* Tries every value of a field, keeps the best; the whole tuning has `total` steps, `done` so far.
 */
static tare_status try_field(tuner *t, const ocl_field *f, int done, int total) {
    int *field = ocl_field_of(&t->d->params, f), kinds = kinds_of(f->name), best = *field;
    double ns[JOBS], gain;
    for (int i = 0; f->values[i] >= 0; i++) {
        char what[64];
        if (f->values[i] == best || f->values[i] > t->d->max_group) continue;
        snprintf(what, sizeof what, "%s %d", f->name, f->values[i]);
        if (t->tell)
            t->tell(t->ctx, what, (double)(done + i * count_jobs(t, kinds)) / (double)total);
        *field = f->values[i];
        tare_status s = measure_all(t, kinds, ns, &gain);
        if (s == TARE_OK && gain > noise) {
            best = *field;
            keep(t, kinds, ns);
        }
        *field = best;
        TARE_TRY(ocl_alive(t->d));
    }
    return TARE_OK;
}

static tare_status tune(tuner *t, double seconds) {
    double ns[JOBS], gain;
    int total = 0, done = 0;
    for (const ocl_field *f = ocl_fields; f->name; f++)
        for (int i = 0; f->values[i] >= 0; i++) total += count_jobs(t, kinds_of(f->name));
    t->slice = seconds / (total + t->jobs);
    TARE_TRY(measure_all(t, FEW | MANY | SPARSE, ns, &gain));
    keep(t, FEW | MANY | SPARSE, ns);
    for (const ocl_field *f = ocl_fields; f->name; f++) {
        if (count_jobs(t, kinds_of(f->name))) TARE_TRY(try_field(t, f, done, total));
        for (int i = 0; f->values[i] >= 0; i++) done += count_jobs(t, kinds_of(f->name));
    }
    TARE_TRY(ocl_params_store(t->d, &t->d->params));
    if (t->tell) {
        char what[128];
        const ocl_params *p = &t->d->params;
        snprintf(what, sizeof what, "stored: vn %d, mt %d, ks %d, lanes %d, tiled %d", p->vn, p->mt,
                 p->ks, p->lanes, p->tiled);
        t->tell(t->ctx, what, 1);
    }
    return TARE_OK;
}

tare_status ocl_tune(void *state, double seconds,
                     void (*tell)(void *ctx, const char *what, double done), void *ctx) {
    tuner t = {.d = state, .tell = tell, .ctx = ctx};
    TARE_TRY(ocl_stream_create(state, &t.stream));
    tare_status s = make_jobs(&t);
    if (s == TARE_OK) s = tune(&t, seconds);
    drop_jobs(&t);
    ocl_stream_destroy(state, t.stream);
    return s;
}
