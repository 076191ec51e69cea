/* tare: what compression really saves.
 *
 * The public interface. A weight matrix W[n,k] is *encoded* once on the host into a format (how a
 * value is coded x where the kept values sit). A *problem* says what is to be computed; a *plan*
 * says by which kernel on which device; *pack* lays the weights out as that kernel wants them;
 * *run* multiplies. Nothing falls back silently: the plan names its kernel, and tare_explain says
 * why each other kernel was not taken.
 *
 *     y[m,n] = relu?( x[m,k] . W[n,k]^T + bias?[n] )            all row-major, rows contiguous
 *
 * Errors      every call that can fail returns tare_status; tare_last_error() holds one line of
 *             text about the last failure of the calling thread. The library never aborts, exits
 *             or prints. On failure outputs are left untouched or cleared, never half-made.
 * Ownership   what a *_create, tare_encode or tare_pack gives is the caller's to destroy. Devices
 *             belong to the library and live until the process ends.
 * Threads     plans, tensors and packed weights are immutable once made and may be shared; so may
 *             devices, but for tare_device_set_rates.
 *             A stream and a buffer serve one thread at a time.
 * Floats      the caller's rounding mode, its flushing of subnormals (FTZ, DAZ) and its traps do
 * not reach an answer: calls that compute do so in the default environment (to nearest even,
 * subnormals kept, no traps) and give the caller's back. Sticky exception flags may be raised, as
 * by any arithmetic. Units       bytes, nanoseconds, GB/s = 1e9 bytes a second, GFLOP/s with a
 * multiply and an add counted as two.
 */
#ifndef TARE_TARE_H
#define TARE_TARE_H

#include <stddef.h>
#include <stdint.h>

#ifndef TARE_API /* backend modules that carry parts of the library define it as nothing */
#if defined(_WIN32)
#define TARE_API
#else
#define TARE_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TARE_VERSION_MAJOR 0
#define TARE_VERSION_MINOR 1
#define TARE_VERSION_PATCH 0

/* "0.1.0", of the library that runs (not of the header). Static storage. */
TARE_API const char *tare_version(void);

/* ---- status ------------------------------------------------------------------------------- */

typedef enum tare_status {
    TARE_OK = 0,
    TARE_E_ARG,         /* an argument is null, out of range or contradicts another */
    TARE_E_SHAPE,       /* a size is zero, negative or overflows */
    TARE_E_VALUE,       /* NaN or infinite weights, or a scale that its type can't hold */
    TARE_E_FORMAT,      /* an encoded tensor or a file breaks its format's rules */
    TARE_E_NOMEM,       /* host memory ran out */
    TARE_E_NODEVICE,    /* no such device */
    TARE_E_UNSUPPORTED, /* no kernel of the device accepts the problem */
    TARE_E_IO,          /* a file could not be read or written */
    TARE_E_DEVICE       /* the device or a library under it failed */
} tare_status;

/* "ok", "bad argument", ... Static storage; never null, also for unknown numbers. */
TARE_API const char *tare_status_text(tare_status s);

/* One line about the last failure in this thread, "" if there was none. Valid until the next call
 * of the library in the same thread. */
TARE_API const char *tare_last_error(void);

/* ---- formats ------------------------------------------------------------------------------ */

/* TARE_F8 is e4m3 as OCP's 8-bit floats define it (v1.0, 2023): no infinities, largest 448. */
typedef enum tare_type { TARE_F32 = 1, TARE_F16, TARE_BF16, TARE_I8, TARE_I4, TARE_F8 } tare_type;

typedef enum tare_layout {
    TARE_DENSE = 1, /* every value */
    TARE_NM,        /* exactly N kept of each M neighbours of a row */
    TARE_CSR,       /* kept values with their columns, row by row */
    TARE_BLOCK,     /* kept r x c blocks, block row by block row */
    TARE_BITMAP     /* a bit a position, kept values packed */
} tare_layout;

typedef enum tare_scaling {
    TARE_SCALE_NONE = 0, /* f32, f16, bf16 */
    TARE_SCALE_TENSOR,   /* one f32 scale */
    TARE_SCALE_ROW,      /* an f32 scale a row of W */
    TARE_SCALE_GROUP     /* an f16 scale a run of `group` neighbours of a row */
} tare_scaling;

/* How a weight matrix is coded. Fields that do not apply are zero. docs/formats.md has the bits. */
typedef struct tare_format {
    tare_type value;
    tare_layout layout;
    tare_scaling scaling;     /* i8, i4, f8 only */
    int32_t zero_points;      /* 1: w = scale * (q - zero), asymmetric; 0: w = scale * q */
    int32_t group;            /* SCALE_GROUP: values that share a scale (32, 64, 128) */
    int32_t nm_n, nm_m;       /* NM: keep nm_n of nm_m */
    int32_t block_r, block_c; /* BLOCK: rows and columns of a block */
} tare_format;

/* A format's name and back: "f32" "f16" "bf16" | "i8-tensor" "i8-row" "i8-g64" "i4-g64", with "-z"
 * appended where zero points are kept | "f8-tensor" "f8-row" | and in front of it, where not dense,
 * the layout: "2:4/" "csr/" "bs4x4/" "bitmap/", e.g. "2:4/f32", "bitmap/i8-row", "bs16x16/bf16". */
TARE_API tare_status tare_format_parse(const char *name, tare_format *out);
/* Writes the name, always terminated; returns its length without the terminator (snprintf). */
TARE_API size_t tare_format_name(const tare_format *f, char *buf, size_t size);
/* TARE_OK when the library knows the combination; otherwise the error says what is wrong. */
TARE_API tare_status tare_format_check(const tare_format *f);

/* ---- canonical tensors -------------------------------------------------------------------- */

/* What an encoded matrix is made of; sizes and files are itemised by these. */
enum { TARE_VALUES, TARE_SCALES, TARE_ZEROS, TARE_INDICES, TARE_OFFSETS, TARE_PARTS };

typedef struct tare_part {
    void *data;
    size_t bytes;
} tare_part;

/* An encoded W[n,k] on the host. Made by tare_encode, or filled by the caller over memory of its
 * own and then passed to tare_validate before anything else: no other call reads an unvalidated
 * tensor safely. `nnz` counts stored values, padding included (dense: n*k). Parts that a format
 * lacks are {NULL, 0}. */
typedef struct tare_tensor {
    tare_format format;
    int64_t n, k, nnz;
    tare_part part[TARE_PARTS];
} tare_tensor;

/* "values", "scales", "zeros", "indices", "offsets". */
TARE_API const char *tare_part_name(int part);

/* Exact bytes of each part for nnz stored values (ignored where n and k decide it). */
TARE_API tare_status tare_tensor_size(const tare_format *f, int64_t n, int64_t k, int64_t nnz,
                                      size_t bytes[TARE_PARTS]);

/* Encodes row-major w[n*k] (finite, else TARE_E_VALUE naming row and column). Quantises by round to
 * nearest even. N:M keeps the N of largest magnitude (ties: the lower column); CSR, bitmap and
 * block layouts keep what is not zero, so pruning comes before. Free with tare_tensor_clear. */
TARE_API tare_status tare_encode(const tare_format *f, int64_t n, int64_t k, const float *w,
                                 tare_tensor *out);

/* One row back, out[k]: the nearest float, or the exact value, of scale * (q - zero). */
TARE_API tare_status tare_decode_row(const tare_tensor *t, int64_t row, float *out);
TARE_API tare_status tare_decode_row_f64(const tare_tensor *t, int64_t row, double *out);

/* Checks every rule of the format: part sizes, index ranges and order, counts, padding, finite
 * values, positive scales. Reads nothing outside the parts, whatever they hold. */
TARE_API tare_status tare_validate(const tare_tensor *t);

/* Frees the parts of a tensor made by tare_encode and zeroes it. Null and zeroed are fine. */
TARE_API void tare_tensor_clear(tare_tensor *t);

/* ---- devices ------------------------------------------------------------------------------ */

typedef struct tare_device tare_device;

/* What a device can do at best. Starts as an estimate and is replaced once measured
 * (tare_device_set_rates); the cost model divides by these. */
typedef struct tare_rates {
    double read_gbs;         /* weights from memory, past the last cache */
    double cache_gbs;        /* from the last cache */
    double f32_gflops;       /* fused multiply-add */
    double bf16_gflops;      /* 16-bit dot products accumulated in f32; 0 where there are none */
    double i8_gops;          /* 8-bit dot products accumulated in i32 */
    double launch_ns;        /* fixed cost of a run */
    double h2d_gbs, d2h_gbs; /* transfers; 0: the device works in host memory */
    int32_t measured;        /* 0: an estimate */
} tare_rates;

typedef struct tare_device_info {
    char id[32];        /* "cpu", "opencl:0" */
    char name[128];     /* as the maker calls it */
    char features[192]; /* space-separated, what the kernels see, after any mask */
    char runtime[192];  /* driver, vendor libraries with versions, thread runtime */
    int64_t memory;     /* bytes */
    int64_t cache;      /* bytes of the last cache level */
    int32_t threads;    /* host threads a run uses; 0 where it does not apply */
} tare_device_info;

TARE_API int tare_device_count(void);
TARE_API tare_device *tare_device_get(int index); /* null past the end */
/* By id ("cpu", "opencl:1"), or by a part of id or name when just one matches. */
TARE_API tare_status tare_device_find(const char *text, tare_device **out);
TARE_API tare_status tare_device_describe(const tare_device *d, tare_device_info *out);
TARE_API void tare_device_rates(const tare_device *d, tare_rates *out);
/* The one call that changes a device: not while another thread plans on it. read_gbs and f32_gflops
 * must be above 0, the others 0 or more, all finite; TARE_E_ARG otherwise. */
TARE_API tare_status tare_device_set_rates(tare_device *d, const tare_rates *r);

typedef enum tare_probe_kind {
    TARE_PROBE_READ = 1, /* GB/s from memory */
    TARE_PROBE_CACHE,    /* GB/s from the last cache */
    TARE_PROBE_F32,      /* GFLOP/s */
    TARE_PROBE_BF16,     /* GFLOP/s */
    TARE_PROBE_I8,       /* GOP/s */
    TARE_PROBE_LAUNCH,   /* ns */
    TARE_PROBE_H2D,      /* GB/s from host memory to the device's */
    TARE_PROBE_D2H       /* GB/s back */
} tare_probe_kind;

/* Measures a ceiling for about `seconds`; what it works on lies in `buf` or in registers.
 * TARE_E_UNSUPPORTED where the device has no such unit. */
TARE_API tare_status tare_device_probe(tare_device *d, tare_probe_kind what, double seconds,
                                       double *rate);

/* How fast the device is running just now and what holds it back, read and never set. Numbers that
 * it does not tell are negative. */
typedef struct tare_clocks {
    int32_t core_mhz, core_max_mhz; /* multiprocessors */
    int32_t memory_mhz, memory_max_mhz;
    int32_t celsius;
    double watts, watts_limit;
    char limits[160]; /* reasons, space-separated: "power thermal idle ..."; "" where none */
} tare_clocks;
/* TARE_E_UNSUPPORTED where the device does not tell. */
TARE_API tare_status tare_device_clocks(tare_device *d, tare_clocks *out);

/* Measures the parameters of the device's kernels (tiles, work-group sizes) for about `seconds` and
 * stores the best for later processes; `tell` (may be null) hears of each step and how much of the
 * work is done. TARE_E_UNSUPPORTED where the backend has nothing to tune. */
TARE_API tare_status tare_device_tune(tare_device *d, double seconds,
                                      void (*tell)(void *ctx, const char *what, double done),
                                      void *ctx);

/* Backends that were looked for and not loaded: "name: reason", null past the end. Like every text
 * that the library gives out it is one line of UTF-8 without control characters, whatever a module
 * or driver said. */
TARE_API const char *tare_backend_refusal(int index);

/* The one thread knob of host kernels. n <= 0: the default (TARE_THREADS, else the CPUs this
 * process may run on). Call it between runs, from one thread. A TARE_THREADS that is no number from
 * 1 to 1024, or a TARE_CPU_MASK that is no mask, is no other default: the CPU's device is not
 * opened then, and tare_backend_refusal says why. Empty variables are as if not set. */
TARE_API void tare_set_threads(int n);
TARE_API int tare_threads(void);

/* ---- problems ----------------------------------------------------------------------------- */

typedef enum tare_op { TARE_MATMUL = 1 } tare_op;

enum {
    TARE_X_I8 = 1 << 0,    /* x is quantised to int8 a row, products accumulate in i32 */
    TARE_BIAS = 1 << 1,    /* + bias[n], f32 */
    TARE_RELU = 1 << 2,    /* max(0, .) last */
    TARE_SUM_F16 = 1 << 3, /* sums may be rounded to f16 at each step; W, x and y dense f16 only */
    TARE_X_F8 = 1 << 4, /* x is quantised to f8 a row, products accumulate in f32; W in f8 only */
    TARE_TF32 = 1 << 5, /* f32 W and x may be cut to tf32 (10 bits of mantissa) before they meet */
    TARE_W_ROUND = 1 << 6, /* a decoded weight may be rounded to the mantissa of x's type, f16 or
                            * bf16, first; W in i8, i4 or f8 only, x not quantised */
    TARE_SUM_F8 = 1 << 7   /* with TARE_X_F8: sums may be kept to 13 bits over runs of 128 columns,
                            * as Hopper's tensor cores do (DeepSeek-V3 report, section 3.3.2) */
};

/* All that changes the answer, nothing that changes only the speed; `nnz` is a part of the weight's
 * shape (cost and packed size depend on it). TARE_X_I8 means exactly: a = max|x| of the row in f32;
 * if a < 2^-100 then every q = 0, s = 0; else s = a / 127, q = rint(x * (127 / a)), each step
 * rounded to f32, ties to even. TARE_X_F8 the same with 448 in the place of 127, and q the nearest
 * f8, ties to even. Rows of x must be finite; a non-finite row gives an unspecified y in that row
 * and nothing worse. Flags that say `may` allow and do not demand. */
typedef struct tare_problem {
    tare_op op;
    int64_t m, n, k;
    int64_t nnz; /* stored values of W */
    tare_format w;
    tare_type x, y; /* f32, f16 or bf16 */
    uint32_t flags;
} tare_problem;

/* The problem of multiplying by t. */
TARE_API tare_problem tare_problem_matmul(const tare_tensor *t, int64_t m, tare_type x, tare_type y,
                                          uint32_t flags);
TARE_API tare_status tare_problem_check(const tare_problem *p);

/* The fp64 answer, y[m*n], and mag[m*n] = sum |x||w| + |bias| (may be null), for checking any
 * kernel against. x is in p->x's type, quantised first where TARE_X_I8 or TARE_X_F8 says so. */
TARE_API tare_status tare_reference(const tare_problem *p, const tare_tensor *t, const void *x,
                                    const float *bias, double *y, double *mag);
/* How far a correct kernel may be off at one element: (terms + 4) u mag + half an ulp of y, where
 * terms = k for float sums and the scale groups of a row for integer ones, u = 2^-24, or 2^-11
 * under TARE_SUM_F16 (Higham, Accuracy and Stability, 2nd ed., section 3.1; k + 2 there, and two
 * roundings of scales). What the other flags allow comes on top: TARE_TF32 2^-9 mag (two factors
 * cut to 11 bits), TARE_W_ROUND 2^-11 mag (x f16) or 2^-8 mag (bf16), TARE_SUM_F8 (min(k, 128) +
 * 4) 2^-13 mag. */
TARE_API double tare_error_bound(const tare_problem *p, double y, double mag);

/* ---- plan, pack, run ---------------------------------------------------------------------- */

struct tare_kernel;

/* A choice: which row on which device, at what predicted cost. A plain value that owns nothing;
 * read its fields, do not write them. */
typedef struct tare_plan {
    tare_problem problem;
    tare_device *device;
    const struct tare_kernel *row;
    const char *kernel; /* the row's name, as in every report */
    const char *vendor; /* the library behind it, null for tare's own */
    double cost_ns;     /* predicted, or measured where tare_tune has been here */
    double transfer_ns; /* predicted moving of x and y; 0 in host memory */
    double bytes;       /* the least a run must move: packed weights, x, y */
    double ops;         /* operations it does, multiply and add counted apart */
    int32_t unit;       /* tare_probe_kind of the ceiling that `ops` runs against */
    int32_t measured;   /* cost_ns comes from a measurement */
    int32_t threads;    /* at most this many in a run: the scratch is sized for them */
    size_t packed_bytes, scratch_bytes;
} tare_plan;

typedef struct tare_plan_options {
    const char *only; /* force this row; refused with its reason where it does not fit */
    int32_t own_only; /* leave vendor rows out */
} tare_plan_options;

/* The cheapest row of one device. TARE_E_UNSUPPORTED where none accepts; o may be null. */
TARE_API tare_status tare_plan_make(tare_device *d, const tare_problem *p,
                                    const tare_plan_options *o, tare_plan *out);
/* The cheapest over several devices (null, 0: all), transfers of x and y counted. */
TARE_API tare_status tare_route(const tare_problem *p, tare_device *const *devices, int count,
                                const tare_plan_options *o, tare_plan *out);

typedef struct tare_row_report {
    const char *kernel;
    const char *vendor;
    int32_t fits, chosen;
    tare_plan plan;   /* where it fits */
    char reason[160]; /* where it does not */
} tare_row_report;
/* Every row of the device in table order, through `each`, which returns 0 to go on. */
TARE_API tare_status tare_explain(tare_device *d, const tare_problem *p, const tare_plan_options *o,
                                  int (*each)(void *ctx, const tare_row_report *r), void *ctx);

typedef struct tare_packed tare_packed;
typedef struct tare_stream tare_stream;
typedef struct tare_buffer tare_buffer;

/* Lays t out for the plan's kernel. t must be valid and of the plan's format, n, k and nnz; it is
 * not needed afterwards. */
TARE_API tare_status tare_pack(const tare_plan *plan, const tare_tensor *t, tare_packed **out);
/* The same from W as n * k floats in a buffer of the plan's device: encoded and packed there, bit
 * for bit as tare_encode and tare_pack would. Done on return. TARE_E_UNSUPPORTED where the plan's
 * row has no kernels for it; TARE_E_VALUE where W is not finite. */
TARE_API tare_status tare_pack_values(const tare_plan *plan, tare_stream *s, const tare_buffer *w,
                                      tare_packed **out);
/* What is to be set to zero of W, of n * k floats: */
typedef enum tare_prune_kind {
    TARE_PRUNE_MAGNITUDE = 1, /* the smallest `share` of the values, by magnitude */
    TARE_PRUNE_NM,            /* all but nm_n of each nm_m neighbours of a row */
    TARE_PRUNE_BLOCK          /* the `share` of block_r x block_c blocks of least l2 norm */
} tare_prune_kind;
typedef struct tare_prune {
    tare_prune_kind kind;
    double share; /* 0..1 */
    int32_t nm_n, nm_m;
    int32_t block_r, block_c;
} tare_prune;
/* Prunes W in a buffer of a device, in place, to the bit as src/compress/prune_values.h has it;
 * *nnz: values left that are not zero (of blocks: block_r * block_c a block that has one), as a
 * plan for the rest wants it. Done on return. TARE_E_VALUE where W is not finite: it is left alone
 * then. TARE_E_UNSUPPORTED where the backend has no kernels for it. */
TARE_API tare_status tare_prune_values(tare_device *d, tare_stream *s, tare_buffer *w, int64_t n,
                                       int64_t k, const tare_prune *how, int64_t *nnz);
/* What packed weights stand for, back as n * k floats in a buffer of the same device, bit for bit
 * as tare_decode_row gives them. Queued on the stream. TARE_E_UNSUPPORTED as above. */
TARE_API tare_status tare_unpack_values(const tare_packed *p, tare_stream *s, tare_buffer *w);
TARE_API size_t tare_packed_bytes(const tare_packed *p); /* what really lies there */
TARE_API void tare_packed_destroy(tare_packed *p);

TARE_API tare_status tare_stream_create(tare_device *d, tare_stream **out);
/* Makes room for the plan's scratch: once per stream and plan, before the first run. A row may only
 * find out here, or in tare_pack, that its library can't do the problem on this device:
 * TARE_E_UNSUPPORTED with the reason, and later plans of the problem pass that row over. */
TARE_API tare_status tare_stream_reserve(tare_stream *s, const tare_plan *plan);
TARE_API tare_status tare_stream_sync(tare_stream *s);
/* What the device spent on the commands of a stream since the last call, by its own clock. */
typedef struct tare_times {
    double h2d_ns, kernel_ns, d2h_ns;
} tare_times;
/* Waits for the stream. TARE_E_UNSUPPORTED where runs are done on return: the caller's clock has
 * all there is. */
TARE_API tare_status tare_stream_times(tare_stream *s, tare_times *out);
TARE_API void tare_stream_destroy(tare_stream *s);

/* What is queued on a stream between begin and end, recorded instead of run, to be queued again and
 * again as one: what a run costs without the host's part. Between the two calls only tare_run, and
 * only with plans that were reserved and have run on the stream before. Weights, buffers and that
 * stream must outlive the graph, which works in the stream's scratch: once the stream is reserved
 * for another plan the graph is to be recorded again (where scratch grew, a replay is TARE_E_ARG),
 * and a replay on another stream must not overlap work of this one. TARE_E_UNSUPPORTED where the
 * device has no such thing. A failure in between must be followed by end or destroy all the same;
 * end gives no graph then. */
typedef struct tare_graph tare_graph;
TARE_API tare_status tare_graph_begin(tare_stream *s);
TARE_API tare_status tare_graph_end(tare_stream *s, tare_graph **out);
TARE_API tare_status tare_graph_replay(tare_graph *g, tare_stream *s);
TARE_API void tare_graph_destroy(tare_graph *g);

/* Device memory for activations. A wrapped buffer borrows host memory of the caller, on devices
 * that work there (TARE_E_UNSUPPORTED elsewhere). Writes and reads are queued as runs are: host
 * memory must stay, and what was read is there, until tare_stream_sync. */
TARE_API tare_status tare_buffer_create(tare_device *d, size_t bytes, tare_buffer **out);
TARE_API tare_status tare_buffer_wrap(tare_device *d, void *host, size_t bytes, tare_buffer **out);
TARE_API tare_status tare_buffer_write(tare_stream *s, tare_buffer *b, size_t offset,
                                       const void *src, size_t bytes);
TARE_API tare_status tare_buffer_read(tare_stream *s, const tare_buffer *b, size_t offset,
                                      void *dst, size_t bytes);
TARE_API void tare_buffer_destroy(tare_buffer *b);

/* y = x W^T for rows 0..m-1 of the plan's m (0: all of them). Allocates nothing. x, y hold m*k and
 * m*n elements of the problem's types and must not overlap; bias holds n floats, null unless
 * TARE_BIAS. Queued on devices with a queue (tare_stream_sync), done on return on the CPU. */
TARE_API tare_status tare_run(const tare_plan *plan, const tare_packed *w, tare_stream *s,
                              const tare_buffer *x, const tare_buffer *bias, tare_buffer *y,
                              int64_t m);

/* Times every row that fits on t with x of random values for at most `seconds` in all and keeps the
 * medians for this process: later plans of the same problem on the device choose by them. */
TARE_API tare_status tare_tune(tare_device *d, const tare_problem *p, const tare_tensor *t,
                               const tare_plan_options *o, double seconds);

#ifdef __cplusplus
}
#endif
#endif
