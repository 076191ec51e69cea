/* What the files of the OpenCL backend share: a device with its context and compiler, a stream with
 * its queue and kernels, and how a row launches.
 *
 * One cl_device_id is one tare device. Each has a context of its own and a table of built programs;
 * each stream has an in-order queue with profiling and kernel objects of its own, since setting
 * arguments is not thread-safe. Device memory (packed blobs, buffers, scratch) is a cl_mem behind
 * void *; parts of it are addressed by offsets that kernels take as arguments.
 *
 * Errors: every call of OpenCL that can fail is checked, and its failure becomes a tare_status with
 * the call and the error's name. CL_DEVICE_NOT_AVAILABLE marks a device lost: later calls fail at
 * once, other devices go on. */
#ifndef TARE_OCL_H
#define TARE_OCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include "src/internal.h"

#include <pthread.h>
#include <stdatomic.h>

/* Feature bits. */
enum {
    OCL_FP16 = 1 << 0,   /* cl_khr_fp16: arithmetic in half, not only storage */
    OCL_FP64 = 1 << 1,   /* cl_khr_fp64 */
    OCL_DOT8 = 1 << 2,   /* cl_khr_integer_dot_product: 4 x 8 bits packed */
    OCL_FMA = 1 << 3,    /* fma is an instruction */
    OCL_DENORM = 1 << 4, /* float operations keep subnormals */
};

/* Kernels are written once and shaped by parameters; a class of devices is where tuning starts. */
typedef enum ocl_class { OCL_CPU, OCL_GPU } ocl_class;

/* opencl/params.c has the table a class, and what tuning stored for a device. */
typedef struct ocl_params {
    int vn;    /* columns of y that a work-item computes, as one vector: 1, 2, 4, 8, 16 */
    int mt;    /* rows of x that a work-item computes at most: 1, 2, 4, 8 */
    int ks;    /* work-items that share the k of one result and add up in local memory */
    int lanes; /* sparse, few rows of x: work-items that share one row of W */
    int tiled; /* many rows of x: 1 tiles in local memory, 0 the kernels of few rows, repeated */
} ocl_params;

typedef struct ocl_program ocl_program;

typedef struct ocl_device {
    cl_platform_id platform;
    int unlisted; /* the loader does not know the platform: it can't be named to it */
    cl_device_id id;
    cl_context context;
    ocl_class class; /* of kernels; a CPU may be served best by a GPU's */
    int is_cpu;
    uint64_t features;
    char name[128], vendor[64], driver[64], version[128];
    int64_t memory, max_alloc, local_bytes, cache;
    int units, clock_mhz, max_group;
    ocl_params params;
    atomic_int lost;
    atomic_int clock_known; /* the next two are, and stay (clock.c) */
    char clock_why[120];    /* not empty: its clock is not believed, for this reason */
    double tick_ns;         /* else: of its clock */
    pthread_mutex_t clock_lock;
    atomic_int unkept;     /* a program that was built could not be written to the cache */
    pthread_mutex_t lock;  /* over programs */
    ocl_program *programs; /* built so far */
} ocl_device;

typedef enum ocl_span { OCL_H2D, OCL_KERNEL, OCL_D2H, OCL_SPANS } ocl_span;

/* ---- error.c ---- */

const char *ocl_error_name(cl_int e); /* "CL_OUT_OF_RESOURCES"; "unknown error" */
/* TARE_OK for CL_SUCCESS; else the error text "opencl: CALL on DEVICE: NAME" and TARE_E_NOMEM for
 * want of memory, TARE_E_DEVICE otherwise. d may be null; text after a bracket in `call` is cut. */
tare_status ocl_check(ocl_device *d, const char *call, cl_int e);
tare_status ocl_alive(ocl_device *d); /* TARE_E_DEVICE once the device is lost */

/* Tests make the n-th checked call (1 = the next) fail with `code`, once; 0 switches off. */
void ocl_strike_at(long n, cl_int code);
int ocl_strike_waits(void);   /* 1: fewer calls than that have come so far */
int ocl_struck(cl_int *code); /* counts a call; 1 where it shall fail */

/* A call that returns its error, as a status. */
#define CL(d, call)                                                                                \
    (ocl_struck(&(cl_int){0}) ? ocl_check((d), #call, ocl_strike_code())                           \
                              : ocl_check((d), #call, (call)))
cl_int ocl_strike_code(void);
/* A call that gives an object and its error through `e`: null where struck. */
#define CL_MAKE(e, call) (ocl_struck(&(e)) ? NULL : (call))

/* ---- device.c ---- */

int ocl_device_count(void);
const char *ocl_feature_name(int bit);
tare_status ocl_open(int index, tare_device_info *info, tare_rates *rates, uint64_t *features,
                     void **state);
tare_status ocl_describe(void *state, tare_device_info *info);
tare_status ocl_alloc(void *state, size_t bytes, void **mem);
void ocl_free(void *state, void *mem);

/* ---- stream.c ---- */

enum { OCL_EVENTS = 256, OCL_KERNELS = 64 };

typedef struct ocl_event {
    cl_event event;
    ocl_span span;
} ocl_event;

typedef struct ocl_kernel_slot {
    const ocl_program *program;
    const char *name;
    cl_kernel kernel;
} ocl_kernel_slot;

typedef struct ocl_stream {
    ocl_device *device;
    cl_command_queue queue;
    double spent[OCL_SPANS]; /* ns, of events that were folded */
    ocl_event event[OCL_EVENTS];
    int events;
    int hush; /* nobody believes what events say */
    ocl_kernel_slot kernel[OCL_KERNELS];
    int kernels;
} ocl_stream;

tare_status ocl_stream_create(void *state, void **stream);
void ocl_stream_destroy(void *state, void *stream);
tare_status ocl_stream_sync(void *state, void *stream);
tare_status ocl_stream_times(void *state, void *stream, tare_times *out);
tare_status ocl_fill(void *state, void *stream, void *mem, size_t offset, size_t bytes,
                     uint8_t value);
tare_status ocl_copy(void *state, void *stream, void *to, const void *from, size_t bytes);
tare_status ocl_write(void *state, void *stream, void *mem, size_t offset, const void *src,
                      size_t bytes);
tare_status ocl_read(void *state, void *stream, const void *mem, size_t offset, void *dst,
                     size_t bytes);
/* Takes over an event of a command that was queued; null is fine. */
tare_status ocl_stream_event(ocl_stream *s, cl_event e, ocl_span span);

/* ---- clock.c: whose clock to go by ---- */

double ocl_host_ns(void); /* CLOCK_MONOTONIC */
/* The tick of the device's clock; TARE_E_UNSUPPORTED with the reason where it is not believed. The
 * first call on a device takes some milliseconds. */
tare_status ocl_clock(void *state, double *tick_ns);
enum { OCL_CLOCK_SPANS = 64 };
typedef struct ocl_span_stamps {
    uint64_t from, to;
} ocl_span_stamps;
/* Whether such times of `count` commands in a row, at most OCL_CLOCK_SPANS, may be those of work
 * that took the host host_ns; the reason where not. */
int ocl_clock_judge(const ocl_span_stamps *s, int count, double host_ns, double *tick, char *why,
                    size_t size);

/* What is queued on a stream between start and stop, by the device's clock where that is believed,
 * else by the host's around it. */
typedef struct ocl_watch {
    int own;
    double start;
} ocl_watch;
tare_status ocl_watch_start(ocl_stream *s, ocl_watch *w);
tare_status ocl_watch_stop(ocl_stream *s, const ocl_watch *w, ocl_span span, double *ns);

/* ---- program.c: sources, builds, kernels ---- */

typedef struct ocl_source {
    const char *name; /* "w8.cl" */
    const char *text;
} ocl_source;
extern const ocl_source ocl_sources[]; /* generated from opencl/kernels; ends with null */

/* The kernel `name` of `file`, built with `options` ("-DVN=4 -DMT=2") behind common.clh and
 * exact.clh, for this stream. Builds or loads it the first time on the device, makes the kernel
 * object the first time on the stream; afterwards only looks it up. `file` and `name` must be
 * string constants. */
tare_status ocl_kernel(ocl_stream *s, const char *file, const char *name, const char *options,
                       cl_kernel *out);
void ocl_programs_clear(ocl_device *d);

/* ---- launch.c ---- */

typedef struct ocl_arg {
    size_t bytes;
    union {
        cl_mem mem;
        cl_int i;
        cl_float f;
        cl_ulong u;
    };
} ocl_arg;

static inline ocl_arg ocl_mem(const void *mem) {
    return (ocl_arg){.bytes = sizeof(cl_mem), .mem = (cl_mem)(uintptr_t)mem};
}
static inline ocl_arg ocl_int(int64_t v) {
    return (ocl_arg){.bytes = sizeof(cl_int), .i = (cl_int)v};
}
static inline ocl_arg ocl_ulong(uint64_t v) {
    return (ocl_arg){.bytes = sizeof(cl_ulong), .u = (cl_ulong)v};
}

/* Global sizes are rounded up to multiples of the local ones: kernels test their bounds. */
typedef struct ocl_grid {
    size_t global[3], local[3]; /* local 0 reads as 1 */
} ocl_grid;

/* Sets the arguments and queues the kernel. */
tare_status ocl_launch(ocl_stream *s, cl_kernel k, const ocl_grid *g, const ocl_arg *args,
                       int count);

/* ---- params.c, cache.c, probe.c, tune.c ---- */

ocl_params ocl_params_of(ocl_device *d);
/* A field of the parameters and what it may be: ends with a negative number. */
typedef struct ocl_field {
    const char *name;
    size_t offset;
    int values[8];
} ocl_field;
extern const ocl_field ocl_fields[]; /* ends with a null name */
int *ocl_field_of(ocl_params *p, const ocl_field *f);
/* Keeps them for later processes; reads a file's text, 1 where it is whole and this device's. */
tare_status ocl_params_store(const ocl_device *d, const ocl_params *p);
int ocl_params_parse(const ocl_device *d, const char *text, size_t bytes, ocl_params *out);
tare_status ocl_tune(void *state, double seconds,
                     void (*tell)(void *ctx, const char *what, double done), void *ctx);
/* A built binary from the user's cache directory, null where there is none that fits; and one to
 * it, 0 where that is wanted and can't be written: nothing else fails then, the device's
 * description says so. */
unsigned char *ocl_cache_load(const ocl_device *d, const char *key, size_t *bytes);
/* The same from one file; opencl/cache.c has its layout. */
unsigned char *ocl_cache_read(const char *path, const char *key, size_t *bytes);
/* The file of a key; 0 where there is no folder for it. */
int ocl_cache_file(const char *key, char *out, size_t size);
int ocl_cache_store(const char *key, const unsigned char *binary, size_t bytes);

tare_status ocl_probe(void *state, tare_probe_kind what, double seconds, double *rate);

extern const tare_kernel *const ocl_rows[]; /* rows.c */
extern const tare_backend ocl_backend;      /* backend.c */

#endif
