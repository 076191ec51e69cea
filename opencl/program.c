/* Kernels from sources: built once a device and set of options (or taken from the cache on disk),
 * one kernel object a stream. */
#include "opencl/ocl.h"

#include <stdio.h>
#include <string.h>

struct ocl_program {
    ocl_program *next;
    const char *file;
    char options[160];
    cl_program program;
};

static const char *text_of(const char *file) {
    for (const ocl_source *s = ocl_sources; s->name; s++)
        if (strcmp(s->name, file) == 0) return s->text;
    return NULL;
}

/* What decides a binary: the cache file is named by a hash of this and holds it in full. */
static tare_status key_of(const ocl_device *d, const char *file, const char *options, char **out) {
    const char *common = text_of("common.clh"), *exact = text_of("exact.clh");
    const char *text = text_of(file);
    static const char form[] = "%s\n%s\n%s\n%s\n%s\n%s\n%s%s%s";
    if (!text || !common || !exact) TARE_FAIL(TARE_E_DEVICE, "opencl: no source %s", file);
    int n = snprintf(NULL, 0, form, d->name, d->vendor, d->driver, d->version, file, options,
                     common, exact, text);
    *out = tare_alloc((size_t)n + 1);
    if (!*out) TARE_FAIL(TARE_E_NOMEM, "opencl: no memory for a program's key");
    snprintf(*out, (size_t)n + 1, form, d->name, d->vendor, d->driver, d->version, file, options,
             common, exact, text);
    return TARE_OK;
}

/* ---- building ---- */

/* The first line of the compiler's log that says something of an error. */
static void first_error(ocl_device *d, cl_program p, char *out, size_t size) {
    size_t bytes = 0;
    char *log = NULL;
    snprintf(out, size, "no log");
    if (clGetProgramBuildInfo(p, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) == CL_SUCCESS)
        log = tare_alloc_zeroed(bytes + 1);
    if (log &&
        clGetProgramBuildInfo(p, d->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) == CL_SUCCESS) {
        const char *at = strstr(log, "error");
        while (at && at > log && at[-1] != '\n') at--;
        if (!at) at = log + strspn(log, " \n");
        snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
    }
    tare_free(log);
}

static tare_status build(ocl_device *d, cl_program p, const char *file, const char *options) {
    char all[256], why[200];
    snprintf(all, sizeof all, "-cl-std=CL1.2 %s%s", options,
             d->features & OCL_DENORM ? "" : " -DFLUSHES");
    tare_status s = CL(d, clBuildProgram(p, 1, &d->id, all, NULL, NULL));
    if (s == TARE_OK) return s;
    first_error(d, p, why, sizeof why);
    TARE_FAIL(s, "opencl: %s does not build on %s with %s: %s", file, d->name, options, why);
}

static void store(ocl_device *d, cl_program p, const char *key) {
    size_t bytes = 0;
    if (clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) != CL_SUCCESS ||
        bytes == 0)
        return;
    unsigned char *binary = tare_alloc(bytes);
    if (binary &&
        clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        atomic_store(&d->unkept, !ocl_cache_store(key, binary, bytes));
    tare_free(binary);
}

/* Null where the cache has none, or one that this driver does not take. */
static cl_program from_cache(ocl_device *d, const char *key, const char *file,
                             const char *options) {
    size_t bytes;
    unsigned char *binary = ocl_cache_load(d, key, &bytes);
    cl_int e = CL_SUCCESS, status = CL_SUCCESS;
    if (!binary) return NULL;
    cl_program p = clCreateProgramWithBinary(d->context, 1, &d->id, &bytes,
                                             (const unsigned char **)&binary, &status, &e);
    tare_free(binary);
    if (e == CL_SUCCESS && status == CL_SUCCESS && build(d, p, file, options) == TARE_OK) return p;
    if (e == CL_SUCCESS) (void)clReleaseProgram(p);
    return NULL;
}

static tare_status from_source(ocl_device *d, const char *file, const char *options,
                               cl_program *out) {
    const char *text[] = {text_of("common.clh"), text_of("exact.clh"), text_of(file)};
    cl_int e = CL_SUCCESS;
    cl_program p = CL_MAKE(e, clCreateProgramWithSource(d->context, 3, text, NULL, &e));
    TARE_TRY(ocl_check(d, "clCreateProgramWithSource", e));
    tare_status s = build(d, p, file, options);
    if (s != TARE_OK) {
        (void)clReleaseProgram(p);
        return s;
    }
    *out = p;
    return TARE_OK;
}

static tare_status make(ocl_device *d, const char *file, const char *options, ocl_program *out) {
    char *key;
    TARE_TRY(key_of(d, file, options, &key));
    tare_status s = TARE_OK;
    out->program = from_cache(d, key, file, options);
    if (!out->program) {
        s = from_source(d, file, options, &out->program);
        if (s == TARE_OK) store(d, out->program, key);
    }
    tare_free(key);
    return s;
}

/* Under the device's lock: two streams that want the same program wait for one build. */
static tare_status find_or_make(ocl_device *d, const char *file, const char *options,
                                ocl_program **out) {
    for (ocl_program *p = d->programs; p; p = p->next)
        if (strcmp(p->file, file) == 0 && strcmp(p->options, options) == 0) {
            *out = p;
            return TARE_OK;
        }
    ocl_program *p = tare_alloc_zeroed(sizeof *p);
    if (!p) TARE_FAIL(TARE_E_NOMEM, "opencl: no memory for a program");
    p->file = file;
    snprintf(p->options, sizeof p->options, "%s", options);
    tare_status s = make(d, file, options, p);
    if (s != TARE_OK) {
        tare_free(p);
        return s;
    }
    p->next = d->programs;
    d->programs = p;
    *out = p;
    return TARE_OK;
}

void ocl_programs_clear(ocl_device *d) {
    while (d->programs) {
        ocl_program *p = d->programs;
        d->programs = p->next;
        (void)clReleaseProgram(p->program);
        tare_free(p);
    }
}

/* ---- kernels ---- */

tare_status ocl_kernel(ocl_stream *s, const char *file, const char *name, const char *options,
                       cl_kernel *out) {
    ocl_device *d = s->device;
    for (int i = 0; i < s->kernels; i++) {
        const ocl_kernel_slot *k = &s->kernel[i];
        if (strcmp(k->name, name) == 0 && strcmp(k->program->file, file) == 0 &&
            strcmp(k->program->options, options) == 0) {
            *out = k->kernel;
            return TARE_OK;
        }
    }
    TARE_TRY(ocl_alive(d));
    if (s->kernels == OCL_KERNELS) {
        /* A stream that served many problems starts anew; those in use are asked for again. */
        TARE_TRY(CL(d, clFinish(s->queue)));
        for (int i = 0; i < s->kernels; i++) (void)clReleaseKernel(s->kernel[i].kernel);
        s->kernels = 0;
    }
    ocl_program *p = NULL;
    pthread_mutex_lock(&d->lock);
    tare_status st = find_or_make(d, file, options, &p);
    pthread_mutex_unlock(&d->lock);
    if (st != TARE_OK) return st;
    cl_int e = CL_SUCCESS;
    cl_kernel k = CL_MAKE(e, clCreateKernel(p->program, name, &e));
    TARE_TRY(ocl_check(d, "clCreateKernel", e));
    s->kernel[s->kernels++] = (ocl_kernel_slot){p, name, k};
    *out = k;
    return TARE_OK;
}
