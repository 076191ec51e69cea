/* What the files of the CUDA backend share: a device, a stream with its clock, how a row launches.
 *
 * One CUDA device is one tare device. Kernels are compiled ahead of time and linked in; cudart is
 * linked statically and finds the driver at run time, so the module loads where there is none and
 * has no devices then. cuBLASLt, cuSPARSE and cuSPARSELt are opened at run time (cuda/lib).
 *
 * Memory: buffers, packed blobs and scratch are device addresses, taken from a memory pool of the
 * device that keeps what it has been given, or by cudaMalloc where the driver has no pools.
 *
 * Errors: every call is checked and becomes a tare_status with the call and the error's name. An
 * error that leaves the CUDA context unusable (a bad address in a kernel, say) marks the device
 * lost: later calls fail at once with that reason; other devices go on. */
#ifndef TARE_CUDA_CU_H
#define TARE_CUDA_CU_H

#include <cuda_runtime_api.h>

#include "cuda/args.h"
#include "src/internal.h"

#include <pthread.h>
#include <stdatomic.h>

/* Feature bits. */
enum {
    CU_SM80 = 1 << 0, /* compute capability 8.0: f16, bf16 and int8 tensor cores, async copies */
    CU_SM90 = 1 << 1, /* 9.0 */
    CU_FP8 = 1 << 2,  /* 8.9: e4m3 tensor cores */
    CU_CUBLASLT = 1 << 3,
    CU_CUSPARSE = 1 << 4,
    CU_CUSPARSELT = 1 << 5,
    CU_SM90A = 1 << 6, /* 9.0 and no other: what is compiled for sm_90a runs nowhere else */
};

struct cu_stream;

/* Memory to be freed once no stream is captured. */
typedef struct cu_later {
    struct cu_later *next;
    void *mem;
} cu_later;

typedef struct cu_device {
    int ordinal;
    char name[128];
    int major, minor, units, clock_khz, memory_clock_khz, bus_bits;
    int64_t memory, l2_bytes;
    int shared_bytes; /* dynamic shared memory that a block may ask for */
    uint64_t features;
    cudaMemPool_t pool;   /* null: the driver has none */
    cudaStream_t service; /* for allocations, and work without a stream of the caller's */
    atomic_int lost;
    pthread_mutex_t queues;    /* over the next two, and what begins and ends a capture */
    struct cu_stream *streams; /* all of them */
    cu_later *later;
    pthread_mutex_t lock;                   /* over what libraries keep for the device */
    void *cublaslt, *cusparse, *cusparselt; /* handles, made when first wanted */
} cu_device;

/* CU_OTHER: work of the device that nobody asks the time of. */
typedef enum cu_span { CU_NONE, CU_H2D, CU_KERNEL, CU_D2H, CU_OTHER, CU_SPANS } cu_span;

/* ---- error.c ---- */

/* TARE_OK for cudaSuccess; else the text "cuda: CALL on DEVICE: NAME", TARE_E_NOMEM for want of
 * memory and TARE_E_DEVICE otherwise. d may be null; text after a bracket in `call` is cut. */
tare_status cu_check(cu_device *d, const char *call, cudaError_t e);
#define CU(d, call) cu_check((d), #call, (call))
/* 1: done. Any call may report what an earlier, asynchronous one did wrong, and then has done
 * nothing itself: what has to be is tried once more. */
#define CU_TWICE(d, call) (CU(d, call) == TARE_OK || CU(d, call) == TARE_OK)
/* Makes the device current for this thread; TARE_E_DEVICE once it is lost. */
tare_status cu_enter(cu_device *d);

/* ---- device.c, memory.c ---- */

int cu_device_count(void);
const char *cu_feature_name(int bit);
tare_status cu_open(int index, tare_device_info *info, tare_rates *rates, uint64_t *features,
                    void **state);
tare_status cu_pool_open(cu_device *d);
tare_status cu_alloc(void *state, size_t bytes, void **mem);
/* After all that streams were given so far; does not wait where there are pools. */
void cu_free(void *state, void *mem);
/* What had to wait for a capture; under d->queues. */
void cu_free_kept(cu_device *d);

/* ---- stream.c: queue and clock ---- */

enum { CU_MARKS = 256, CU_ARRIVALS = 512 };

/* From `event` on, the stream works on `span`, until the next mark. */
typedef struct cu_mark {
    cudaEvent_t event;
    cu_span span;
} cu_mark;

typedef struct cu_stream {
    cu_device *device;
    struct cu_stream *next; /* of the device's */
    cudaStream_t stream;
    cudaEvent_t fence;      /* behind what it was given when somebody asked; see memory.c */
    double spent[CU_SPANS]; /* ns, of marks that were folded */
    cu_mark mark[CU_MARKS]; /* events are made once and used again */
    int marks, made;
    int capturing; /* commands go to a graph: no marks; written under device->queues */
    void *room;    /* room.c */
    size_t room_bytes;
    uint32_t *arrivals; /* on the device: CU_ARRIVALS counters (cuda/kernels/arrive.cuh) */
} cu_stream;

tare_status cu_stream_create(void *state, void **stream);
void cu_stream_destroy(void *state, void *stream);
tare_status cu_stream_sync(void *state, void *stream);
tare_status cu_stream_times(void *state, void *stream, tare_times *out);
tare_status cu_write(void *state, void *stream, void *mem, size_t offset, const void *src,
                     size_t bytes);
tare_status cu_read(void *state, void *stream, const void *mem, size_t offset, void *dst,
                    size_t bytes);
tare_status cu_fill(void *state, void *stream, void *mem, size_t offset, size_t bytes,
                    uint8_t value);
tare_status cu_copy(void *state, void *stream, void *to, const void *from, size_t bytes);
/* Says what the commands queued next are; to be called before they are. */
tare_status cu_stream_span(cu_stream *s, cu_span span);

/* ---- room.c ---- */

/* At least so many bytes at s->room, from now on. */
tare_status cu_stream_room(cu_stream *s, size_t bytes);

/* ---- launch.c ---- */

typedef struct cu_grid {
    unsigned x, y, z; /* blocks; 0 reads as 1 */
    unsigned threads; /* of a block, along x */
    size_t shared;    /* dynamic shared memory, bytes */
} cu_grid;

/* Queues a kernel by the address of its C declaration, `void cu_NAME(cu_args a);`. */
tare_status cu_launch(cu_stream *s, const void *kernel, const cu_grid *g, const cu_args *a);
/* Once before the first launch, where a block wants more than 48 KB of dynamic shared memory. */
tare_status cu_allow_shared(cu_device *d, const void *kernel, size_t bytes);

/* ---- graph.c ---- */

tare_status cu_graph_begin(void *state, void *stream);
tare_status cu_graph_end(void *state, void *stream, void **graph);
tare_status cu_graph_replay(void *state, void *stream, void *graph);
void cu_graph_destroy(void *state, void *graph);

/* ---- clocks.c ---- */

tare_status cu_clocks(void *state, tare_clocks *out);

/* ---- probe.c ---- */

tare_status cu_probe(void *state, tare_probe_kind what, double seconds, double *rate);

extern const tare_kernel *const cu_rows[]; /* rows.c */
extern const tare_backend cu_backend;      /* backend.c */

#endif
