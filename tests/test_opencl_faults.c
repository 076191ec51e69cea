/* Faults of OpenCL: a whole job, from encoding to reading y back, with the n-th call of OpenCL
 * failing, for every n until none fails, for each row of the device. Each time a clear error,
 * nothing leaked, and the same job right afterwards. What leaks shows in the context's count of
 * references, since buffers, queues and programs each hold one; host memory in the count of live
 * blocks. Then: a program that does not build, memory that runs out, a device that is lost. */
#include "opencl/ocl.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 24, K = 64, M = 3, CALLS = 400 };

static char folder[] = "/tmp/tare-faults-XXXXXX";

/* Programs come from a cache of this test's own: builds and loads are struck both. */
static void prepare(void) {
    setenv("TARE_BACKEND_DIR", "/nonexistent", 1);
    cr_assert_not_null(mkdtemp(folder));
    setenv("TARE_CACHE_DIR", folder, 1);
}

static void clean(void) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(opencl_faults, .init = prepare, .fini = clean, .timeout = 300);

static tare_device *device(void) {
    tare_device *d = NULL;
    cr_assert_gt(ocl_device_count(), 0, "no OpenCL device; on Debian, pocl-opencl-icd makes one");
    tare_device_count();
    cr_assert_eq(tare_registry_add(&ocl_backend), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_device_find("opencl:0", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

/* ---- one job ---- */

static const struct {
    const char *format;
    tare_type type;
    uint32_t flags;
} kinds[] = {{"f32", TARE_F32, 0},
             {"bf16", TARE_BF16, 0},
             {"f16", TARE_F16, 0},
             {"i8-row", TARE_F32, TARE_X_I8},
             {"i8-row", TARE_F32, 0},
             {"i4-g32", TARE_F32, TARE_X_I8},
             {"i4-g32", TARE_F32, 0},
             {"2:4/f32", TARE_F32, 0},
             {"2:4/i8-row", TARE_F32, TARE_X_I8},
             {"csr/f32", TARE_F32, 0},
             {"bs4x4/f32", TARE_F32, 0},
             {"bitmap/f32", TARE_F32, 0},
             {"bitmap/i8-row", TARE_F32, TARE_X_I8}};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct job {
    tare_tensor t;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *bias, *y, *values;
} job;

static float w[N * K];

static tare_status encode(int kind, tare_tensor *t) {
    uint64_t state = 11;
    tare_format f;
    TARE_TRY(tare_format_parse(kinds[kind].format, &f));
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    return tare_encode(&f, N, K, w, t);
}

/* Where the row packs on the device, the job goes on with what it packed there. */
static tare_status pack_there(job *j, const tare_plan *plan) {
    if (!plan->row->pack_values) return TARE_OK;
    TARE_TRY(tare_buffer_create(plan->device, sizeof w, &j->values));
    TARE_TRY(tare_buffer_write(j->s, j->values, 0, w, sizeof w));
    tare_packed_destroy(j->w);
    j->w = NULL;
    TARE_TRY(tare_pack_values(plan, j->s, j->values, &j->w));
    return tare_unpack_values(j->w, j->s, j->values);
}

static tare_status attempt(job *j, tare_device *d, const char *row, int kind, void *out) {
    static float x[M * K], bias[N];
    tare_type type = kinds[kind].type;
    size_t element = tare_type_bytes(type);
    tare_plan_options only = {.only = row};
    tare_plan plan;
    TARE_TRY(encode(kind, &j->t));
    tare_problem p =
        tare_problem_matmul(&j->t, M, type, type, kinds[kind].flags | TARE_BIAS | TARE_RELU);
    for (int i = 0; i < M * K; i++) tare_store(type, x, (size_t)i, (float)(i % 7) - 3);
    TARE_TRY(tare_plan_make(d, &p, &only, &plan));
    TARE_TRY(tare_pack(&plan, &j->t, &j->w));
    TARE_TRY(tare_stream_create(d, &j->s));
    TARE_TRY(tare_stream_reserve(j->s, &plan));
    TARE_TRY(pack_there(j, &plan));
    TARE_TRY(tare_buffer_create(d, M * K * element, &j->x));
    TARE_TRY(tare_buffer_create(d, sizeof bias, &j->bias));
    TARE_TRY(tare_buffer_create(d, M * N * element, &j->y));
    TARE_TRY(tare_buffer_write(j->s, j->x, 0, x, M * K * element));
    TARE_TRY(tare_buffer_write(j->s, j->bias, 0, bias, sizeof bias));
    TARE_TRY(tare_run(&plan, j->w, j->s, j->x, j->bias, j->y, 0));
    TARE_TRY(tare_buffer_read(j->s, j->y, 0, out, M * N * element));
    TARE_TRY(tare_stream_sync(j->s));
    tare_times times;
    return tare_stream_times(j->s, &times);
}

/* The device's programs are dropped first: each job builds or loads its own. */
static tare_status whole_job(tare_device *d, const char *row, int kind, void *out) {
    job j;
    memset(&j, 0, sizeof j);
    ocl_programs_clear(d->state);
    tare_status s = attempt(&j, d, row, kind, out);
    tare_buffer_destroy(j.values);
    tare_buffer_destroy(j.x);
    tare_buffer_destroy(j.bias);
    tare_buffer_destroy(j.y);
    tare_stream_destroy(j.s);
    tare_packed_destroy(j.w);
    tare_tensor_clear(&j.t);
    ocl_programs_clear(d->state);
    return s;
}

/* Drivers let go of what has ended on threads of their own: waits a while for `until`. */
static cl_uint references(const tare_device *d, cl_uint until) {
    cl_uint n = 0;
    const ocl_device *o = d->state;
    for (int i = 0; i < (until ? 200 : 20); i++) {
        (void)clGetContextInfo(o->context, CL_CONTEXT_REFERENCE_COUNT, sizeof n, &n, NULL);
        if (n <= until) break;
        usleep(5000);
    }
    return n;
}

/* The first kind that a row takes; -1: none of them. */
static int kind_of(tare_device *d, const char *row) {
    tare_plan_options only = {.only = row};
    for (int i = 0; i < KINDS; i++) {
        tare_tensor t;
        tare_plan plan;
        cr_assert_eq(encode(i, &t), TARE_OK, "%s", tare_last_error());
        tare_problem p = tare_problem_matmul(&t, M, kinds[i].type, kinds[i].type,
                                             kinds[i].flags | TARE_BIAS | TARE_RELU);
        int takes = tare_plan_make(d, &p, &only, &plan) == TARE_OK;
        tare_tensor_clear(&t);
        if (takes) return i;
    }
    return -1;
}

/* Every n: returns how many calls failed. */
static int strike_all(tare_device *d, const char *row, int kind, cl_int code, tare_status expect) {
    float good[M * N] = {0}, again[M * N] = {0};
    cr_assert_eq(whole_job(d, row, kind, good), TARE_OK, "%s: %s", row, tare_last_error());
    cl_uint before = references(d, 0);
    long blocks = tare_alloc_live();
    int failed = 0, n = 1;
    for (; n < CALLS; n++) {
        ocl_strike_at(n, code);
        tare_status s = whole_job(d, row, kind, again);
        int none = ocl_strike_waits();
        ocl_strike_at(0, 0);
        int lost = atomic_exchange(&((ocl_device *)d->state)->lost, 0); /* it is back */
        cr_expect_eq(references(d, before), before, "%s, call %d: leaks", row, n);
        cr_expect_eq(tare_alloc_live(), blocks, "%s, call %d: leaks host memory", row, n);
        if (none) {
            cr_assert_eq(s, TARE_OK, "%s: %s", row, tare_last_error());
            break;
        }
        if (s == TARE_OK) continue; /* a binary that the driver does not take is built anew */
        failed++;
        cr_assert_eq(s, expect, "%s, call %d: %s", row, n, tare_last_error());
        int named = strstr(tare_last_error(), ocl_error_name(code)) != NULL;
        int earlier = lost && strstr(tare_last_error(), "was lost earlier");
        cr_assert(named || earlier, "%s, call %d: '%s'", row, n, tare_last_error());
    }
    cr_assert_lt(n, CALLS, "%s: %d calls were not enough", row, CALLS);
    cr_assert_eq(whole_job(d, row, kind, again), TARE_OK, "%s: %s", row, tare_last_error());
    cr_assert_arr_eq(good, again, sizeof good, "%s after failures", row);
    return failed;
}

/* For whoever runs the suite: CTest shows nothing of what passes. */
static void tell(const char *format, ...) {
    const char *path = getenv("TARE_FAULTS_SUMMARY");
    FILE *f = path ? fopen(path, "a") : NULL;
    va_list args;
    va_start(args, format);
    if (f) vfprintf(f, format, args);
    if (f) fclose(f);
    va_end(args);
}

/* Every row that the device can run; what it lacks features for is told, and nothing else is left
 * out. */
static void strike_rows(cl_int code, tare_status expect, const char *fault) {
    tare_device *d = device();
    int rows = 0, skipped = 0;
    char reasons[1000] = "";
    for (const tare_kernel *const *r = ocl_rows; *r; r++) {
        char why[160];
        if (!tare_plan_features(d, *r, why)) {
            size_t at = strlen(reasons);
            snprintf(reasons + at, sizeof reasons - at, "; %s %s", (*r)->name, why);
            skipped++;
            continue;
        }
        int kind = kind_of(d, (*r)->name);
        cr_assert_geq(kind, 0, "%s takes none of the kinds of this test", (*r)->name);
        cr_assert_gt(strike_all(d, (*r)->name, kind, code, expect), 10);
        rows++;
    }
    cr_assert_gt(rows, 0);
    tell("opencl faults, %s at every call: %d rows run, %d skipped%s\n", fault, rows, skipped,
         reasons);
}

Test(opencl_faults, the_nth_call_fails) {
    strike_rows(CL_OUT_OF_RESOURCES, TARE_E_DEVICE, "a failure");
}

Test(opencl_faults, memory_runs_out_in_every_call) {
    strike_rows(CL_MEM_OBJECT_ALLOCATION_FAILURE, TARE_E_NOMEM, "no memory");
}

/* Lost in the middle of a job, wherever that is; what it held is let go of all the same. */
Test(opencl_faults, the_device_is_lost_in_every_call) {
    strike_rows(CL_DEVICE_NOT_AVAILABLE, TARE_E_DEVICE, "a lost device");
}

Test(opencl_faults, a_buffer_past_what_the_device_gives) {
    tare_device *d = device();
    const ocl_device *o = d->state;
    tare_buffer *b = NULL;
    cr_assert_gt(o->max_alloc, 0);
    cr_assert_eq(tare_buffer_create(d, (size_t)o->max_alloc + 1, &b), TARE_E_NOMEM);
    cr_assert_null(b);
    cr_assert_not_null(strstr(tare_last_error(), "largest buffer"), "%s", tare_last_error());
    cr_assert_eq(tare_buffer_create(d, SIZE_MAX / 2, &b), TARE_E_NOMEM);
    cr_assert_eq(tare_buffer_create(d, 64, &b), TARE_OK);
    tare_buffer_destroy(b);
}

Test(opencl_faults, a_program_that_does_not_build) {
    tare_device *d = device();
    tare_stream *s;
    cl_kernel k = NULL;
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cl_uint before = references(d, 0);
    long blocks = tare_alloc_live();
    /* An option that makes nonsense of the source: `kernel` becomes a word that C does not have. */
    tare_status st = ocl_kernel(s->state, "probe.cl", "probe_nothing", "-Dkernel=no_such_word", &k);
    cr_assert_eq(st, TARE_E_DEVICE);
    cr_assert_null(k);
    cr_expect_not_null(strstr(tare_last_error(), "probe.cl does not build"), "%s",
                       tare_last_error());
    cr_expect_not_null(strstr(tare_last_error(), "error"), "%s", tare_last_error());
    cr_expect_eq(references(d, before), before, "a program that does not build leaks");
    cr_expect_eq(tare_alloc_live(), blocks, "a program that does not build leaks host memory");
    cr_expect_eq(ocl_kernel(s->state, "none.cl", "probe_nothing", "", &k), TARE_E_DEVICE);
    cr_expect_eq(ocl_kernel(s->state, "probe.cl", "no_such_kernel", "", &k), TARE_E_DEVICE);
    cr_expect_not_null(strstr(tare_last_error(), "CL_INVALID_KERNEL_NAME"), "%s",
                       tare_last_error());
    cr_assert_eq(ocl_kernel(s->state, "probe.cl", "probe_nothing", "", &k), TARE_OK, "%s",
                 tare_last_error());
    tare_stream_destroy(s);
}

/* Ceilings are measured with a queue, buffers and host memory of their own. */
Test(opencl_faults, probes_leave_nothing_behind) {
    static const tare_probe_kind kinds_of_probe[] = {TARE_PROBE_H2D, TARE_PROBE_D2H,
                                                     TARE_PROBE_LAUNCH};
    tare_device *d = device();
    double rate;
    for (size_t i = 0; i < sizeof kinds_of_probe / sizeof *kinds_of_probe; i++) {
        tare_probe_kind what = kinds_of_probe[i];
        cr_assert_eq(tare_device_probe(d, what, 0.001, &rate), TARE_OK, "%s", tare_last_error());
        cr_assert_gt(rate, 0);
        long blocks = tare_alloc_live();
        cl_uint before = references(d, 0);
        for (int n = 1; n <= 8; n++) {
            ocl_strike_at(n, CL_OUT_OF_RESOURCES);
            cr_expect_eq(tare_device_probe(d, what, 0.001, &rate), TARE_E_DEVICE, "call %d", n);
            ocl_strike_at(0, 0);
            cr_expect_eq(tare_alloc_live(), blocks, "probe %zu, call %d: leaks host memory", i, n);
            cr_expect_eq(references(d, before), before, "probe %zu, call %d: leaks", i, n);
        }
    }
}

Test(opencl_faults, a_device_is_lost) {
    tare_device *d = device(), *cpu = tare_device_get(0);
    float out[M * N];
    tare_buffer *b = NULL, *old = NULL;
    tare_stream *s = NULL, *more = NULL;
    long blocks = tare_alloc_live();
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_buffer_create(d, sizeof out, &old), TARE_OK);
    ocl_strike_at(1, CL_DEVICE_NOT_AVAILABLE);
    cr_assert_eq(tare_buffer_write(s, old, 0, out, sizeof out), TARE_E_DEVICE);
    cr_assert_not_null(strstr(tare_last_error(), "CL_DEVICE_NOT_AVAILABLE"));
    /* From now on all fails at once and says why, without a call of OpenCL. */
    ocl_strike_at(1, CL_OUT_OF_RESOURCES);
    cr_expect_eq(tare_buffer_create(d, 64, &b), TARE_E_DEVICE);
    cr_expect_not_null(strstr(tare_last_error(), "was lost earlier"), "%s", tare_last_error());
    cr_expect_eq(tare_stream_create(d, &more), TARE_E_DEVICE);
    cr_expect_eq(tare_buffer_write(s, old, 0, out, sizeof out), TARE_E_DEVICE);
    cr_expect_eq(tare_buffer_read(s, old, 0, out, sizeof out), TARE_E_DEVICE);
    cr_expect_eq(tare_stream_sync(s), TARE_E_DEVICE);
    cr_expect_not_null(strstr(tare_last_error(), "was lost earlier"), "%s", tare_last_error());
    cr_expect(ocl_strike_waits(), "a lost device was called");
    ocl_strike_at(0, 0);
    for (const tare_kernel *const *r = ocl_rows; *r; r++) {
        int kind = kind_of(d, (*r)->name);
        if (kind >= 0) cr_expect_eq(whole_job(d, (*r)->name, kind, out), TARE_E_DEVICE);
    }
    tare_buffer_destroy(old);
    tare_stream_destroy(s);
    cr_expect_eq(tare_alloc_live(), blocks, "a lost device leaks host memory");
    cr_expect_eq(tare_buffer_create(cpu, 64, &b), TARE_OK, "the CPU goes on");
    tare_buffer_destroy(b);
}

/* Not even root writes below /proc/self. */
Test(opencl_faults, a_cache_that_cannot_be_written) {
    tare_device *d = device();
    tare_device_info info;
    float good[M * N] = {0}, again[M * N] = {0};
    int kind = kind_of(d, ocl_rows[0]->name);
    cr_assert_eq(whole_job(d, ocl_rows[0]->name, kind, good), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_device_describe(d, &info), TARE_OK);
    cr_expect_null(strstr(info.runtime, "not kept"), "%s", info.runtime);
    long blocks = tare_alloc_live();
    cl_uint before = references(d, 0);
    setenv("TARE_CACHE_DIR", "/proc/self/cache", 1);
    cr_assert_eq(whole_job(d, ocl_rows[0]->name, kind, again), TARE_OK, "%s", tare_last_error());
    cr_expect_arr_eq(good, again, sizeof good);
    cr_expect_eq(tare_alloc_live(), blocks, "leaks host memory");
    cr_expect_eq(references(d, before), before, "leaks");
    cr_assert_eq(tare_device_describe(d, &info), TARE_OK);
    cr_expect_not_null(strstr(info.runtime, "cannot write to /proc/self/cache"), "%s",
                       info.runtime);
    cr_expect_eq(ocl_params_store(d->state, &((ocl_device *)d->state)->params), TARE_E_IO);
    cr_expect_not_null(strstr(tare_last_error(), "cannot write /proc/self/cache"), "%s",
                       tare_last_error());
}
