/* The seam: what a backend fills in.
 *
 * A backend is a table of devices' capabilities and an ordered list of kernel rows, best first, the
 * reference last. The CPU backend is linked in; others are module libraries named
 * tare-backend-NAME.so that export `tare_backend_entry` and are opened from the install directory
 * or TARE_BACKEND_DIR. A wrong ABI number or struct size is refused with its reason; so are a file
 * that is no whole library of this machine, and a table that does not keep what is said below:
 *   functions  not null but where "may be null" or "null: ..." says so, graphs all four or none;
 *              of a row: name, fit, pack, run
 *   names      of rows (63 characters at most, each once), the backend (31), a device (id, 31; no
 *              other device has it): letters, digits and _-.:+; vendors: printable ASCII, 63
 *   devices    0 to 64; rates are finite, read_gbs and f32_gflops above 0, what is unknown is 0
 *   texts      (why, name, features, runtime, reasons) are ended and cleaned by the library: what a
 *              terminal would take for a command, and what is no UTF-8, becomes '?'
 * A module is code: it runs with all that the process may do, in the entry as later. Pointers that
 * point nowhere, and a module that calls exit or abort, end the process; tare can't prevent it.
 *
 * Contract of every function: errors are returned and described with `tare_backend_host.fail`;
 * nothing is printed; nothing throws. `run` allocates nothing and queues or finishes its work. */
#ifndef TARE_BACKEND_H
#define TARE_BACKEND_H

#include <tare/tare.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARE_BACKEND_ABI 5

/* What a row says of a problem it accepts, or why it does not. Zeroed before the call. */
typedef struct tare_fit {
    double cost_ns;       /* predicted; tare_fit_cost() fills it from the next three */
    double bytes;         /* least memory traffic of a run: packed weights + x + y */
    double ops;           /* operations done, 2 per multiply-add */
    int32_t unit;         /* TARE_PROBE_F32, _BF16 or _I8: the ceiling `ops` runs against */
    size_t packed_bytes;  /* of the blob; an upper bound where the positions decide */
    size_t scratch_bytes; /* of the stream's scratch during a run */
    char why[160];        /* on refusal: "needs k a multiple of 4, k is 7" */
} tare_fit;

/* What `run` works on. Addresses are the device's own (host pointers on the CPU, handles plus
 * offset elsewhere). m is 1..problem.m; scratch has at least scratch_bytes, 64-byte aligned. */
typedef struct tare_run_args {
    const tare_problem *problem;
    const void *packed;
    const void *x;
    const float *bias;
    void *y;
    int64_t m;
    void *scratch;
    size_t scratch_bytes; /* what is really there: at least the plan's */
    void *stream;         /* the backend's stream state */
    int32_t threads;
} tare_run_args;

enum {
    TARE_ROW_REFERENCE = 1 << 0,  /* fp64, slow, accepts everything; chosen only when alone */
    TARE_ROW_REPEATABLE = 1 << 1, /* bitwise the same at the same thread count */
    TARE_ROW_ANY_M = 1 << 2, /* what it packs does not depend on m, and is complete in itself */
};

typedef struct tare_kernel {
    const char *name; /* op_weights_isa = file name = test id = CLI filter = report column */
    tare_op op;
    uint64_t needs; /* feature bits of the backend; tested before any pointer below is called */
    uint32_t flags;
    const char *vendor; /* the library that does the work; null: tare itself */
    /* 1: accepts and fills the fit; 0: refuses and fills why. Problem is checked already, by the
     * library that asks: it may know types, layouts and flags that came after this row. So a row
     * lists what it takes, and refuses whatever stands in none of its lists. */
    int (*fit)(const tare_rates *rates, const tare_problem *p, tare_fit *fit);
    /* Writes the packed blob (host address, 64-byte aligned, zeroed, fit.packed_bytes); `used`
     * starts as fit.packed_bytes and is lowered where less was needed. On devices with their own
     * memory the blob is uploaded afterwards. The tensor is valid and matches the problem. */
    tare_status (*pack)(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
    tare_status (*run)(const tare_run_args *a);
    /* Readies what run needs beside memory, such as compiled programs, for the device `state` and
     * one of its streams; called by tare_stream_reserve. Null: nothing to do. */
    tare_status (*prepare)(void *state, void *stream, const tare_problem *p);
    /* Quantises or prunes W and packs it on the device: from n * k floats at `w` into `blob`
     * (fit.packed_bytes, all of them written), queued on the stream. Gives the bytes of tare_encode
     * and `pack`. Null: the row has no such kernels. */
    tare_status (*pack_values)(const tare_problem *p, void *state, void *stream, const void *w,
                               void *blob);
    /* The other way: n * k floats into `w`, as tare_decode_row gives them, queued. Null: none. */
    tare_status (*unpack_values)(const tare_problem *p, void *state, void *stream, const void *blob,
                                 void *w);
    /* On devices with memory of their own: called once the blob lies there, at *mem, before the
     * first run. May work on it, queued or done, and may replace it: *mem and *bytes are then of
     * memory of the backend's, and the first is freed. What it makes for the blob beside it, such
     * as objects of a library, `release` frees. A settle that fails cleans up but for *mem. Null:
     * the blob is ready as it was uploaded. */
    tare_status (*settle)(const tare_problem *p, void *state, void *stream, void **mem,
                          size_t *bytes);
    /* Frees what the blob refers to beyond itself, such as objects of a library; null: nothing.
     * Called once, before the blob is freed; nothing runs on it any more. `state` is the device's.
     * A pack that fails cleans up by itself. */
    void (*release)(void *state, void *blob);
} tare_kernel;

typedef struct tare_backend_ops {
    /* Fills info, rates (estimates) and features of device `index`; `state` is passed on below. */
    tare_status (*open)(int index, tare_device_info *info, tare_rates *rates, uint64_t *features,
                        void **state);
    tare_status (*describe)(void *state, tare_device_info *info); /* refreshes; may be null */
    /* Measures a ceiling; may be null. */
    tare_status (*probe)(void *state, tare_probe_kind what, double seconds, double *rate);
    tare_status (*alloc)(void *state, size_t bytes, void **mem); /* 64-byte aligned */
    void (*free)(void *state, void *mem);
    tare_status (*stream_create)(void *state, void **stream);
    tare_status (*stream_sync)(void *state, void *stream);
    void (*stream_destroy)(void *state, void *stream);
    tare_status (*write)(void *state, void *stream, void *mem, size_t offset, const void *src,
                         size_t bytes);
    tare_status (*read)(void *state, void *stream, const void *mem, size_t offset, void *dst,
                        size_t bytes);
    /* What the device itself spent on the stream's commands since the last call, by its clock;
     * waits for them. TARE_E_UNSUPPORTED where that clock is not believed. Null where runs are done
     * on return. */
    tare_status (*stream_times)(void *state, void *stream, tare_times *out);
    /* Measures the parameters of the backend's kernels on this device and stores the best for
     * later processes; `tell` hears of each step and how much is done. Null: nothing to tune. */
    tare_status (*tune)(void *state, double seconds,
                        void (*tell)(void *ctx, const char *what, double done), void *ctx);
    /* Recording what is queued on a stream, and replaying it (tare_graph_*). All four or none. */
    tare_status (*graph_begin)(void *state, void *stream);
    tare_status (*graph_end)(void *state, void *stream, void **graph);
    tare_status (*graph_replay)(void *state, void *stream, void *graph);
    void (*graph_destroy)(void *state, void *graph);
    tare_status (*clocks)(void *state, tare_clocks *out); /* may be null */
    /* Prunes n * k floats at `w` in place (tare_prune_values); done on return. Null: none. */
    tare_status (*prune)(void *state, void *stream, void *w, int64_t n, int64_t k,
                         const tare_prune *how, int64_t *nnz);
    /* Sets bytes of device memory, and copies them within it; queued, and in no stream_times. May
     * be null. */
    tare_status (*fill)(void *state, void *stream, void *mem, size_t offset, size_t bytes,
                        uint8_t value);
    tare_status (*copy)(void *state, void *stream, void *to, const void *from, size_t bytes);
    /* The tick of the clock behind stream_times, ns; TARE_E_UNSUPPORTED with the reason where that
     * clock was held against the host's and is not to be believed: stream_times says the same. May
     * take milliseconds the first time. Null: the clock is taken as it is. */
    tare_status (*clock)(void *state, double *tick_ns);
} tare_backend_ops;

typedef struct tare_backend {
    uint32_t abi; /* TARE_BACKEND_ABI */
    uint32_t
        struct_size;     /* sizeof(tare_backend) + sizeof(tare_kernel) + sizeof(tare_backend_ops) */
    const char *name;    /* "cpu" */
    int32_t host_memory; /* 1: buffers and packed blobs are host addresses; wrapping works */
    int (*device_count)(void); /* 0: none, which is no error; `fail` may have said why */
    const tare_backend_ops *ops;
    const tare_kernel *const *rows; /* ends with null; best first, the reference last */
    /* What feature bit `bit` (0..63) is called, "fp16", for refusals; null: has no name. Of one
     * that is absent it may say why instead, in a text that begins with "no ": "no oneDNN: ... was
     * not found". The pointer itself may be null. */
    const char *(*feature_name)(int bit);
} tare_backend;

#define TARE_BACKEND_STRUCT_SIZE                                                                   \
    ((uint32_t)(sizeof(tare_backend) + sizeof(tare_kernel) + sizeof(tare_backend_ops) +            \
                sizeof(tare_fit) + sizeof(tare_run_args)))

/* What the library lends a module: a way to report an error in full, and its threads. */
typedef struct tare_backend_host {
    uint32_t abi;
    /* Sets the thread's error text and returns s. */
    tare_status (*fail)(tare_status s, const char *format, ...);
    /* As tare_threads(). */
    int (*threads)(void);
    /* Calls piece(ctx, i, pieces) for each i of 0..pieces-1 once and returns when all are done. In
     * whatever order and by however many threads: no piece may wait for another. */
    void (*parallel)(int pieces, void (*piece)(void *ctx, int i, int pieces), void *ctx);
} tare_backend_host;

/* The one symbol a module exports: returns its static table, or null with a reason in *why. */
typedef const tare_backend *(*tare_backend_entry_fn)(const tare_backend_host *host,
                                                     const char **why);

/* The roofline as cost model: whichever of memory and arithmetic is slower, each at the efficiency
 * the row reaches in practice (0..1), plus the launch. */
static inline void tare_fit_cost(tare_fit *f, const tare_rates *r, double mem_eff, double op_eff) {
    double peak = f->unit == TARE_PROBE_I8     ? r->i8_gops
                  : f->unit == TARE_PROBE_BF16 ? r->bf16_gflops
                                               : r->f32_gflops;
    double mem = f->bytes / (r->read_gbs * mem_eff);
    double ops = f->ops / ((peak > 0 ? peak : r->f32_gflops) * op_eff);
    f->cost_ns = (mem > ops ? mem : ops) + r->launch_ns;
}

#ifdef __cplusplus
}
#endif
#endif
