/* The CUDA runtime, emulated: one or more devices whose memory is the host's, whose streams do at
 * once what is queued, and whose kernels run in fibers. Enough of it for cuda/, and for its faults:
 *
 *   TARE_EMU_DEVICES=N    devices; 0: none (default 1)
 *   TARE_EMU_DRIVER=old   the driver is older than the runtime
 *   TARE_EMU_MEMORY=BYTES of a device (default 1 GiB)
 *   TARE_EMU_L2=BYTES     of its last cache (default 1 MiB)
 *   TARE_EMU_FAIL=N:CODE  the N-th call of the runtime fails with the error CODE, once
 *   TARE_EMU_POOLS=no     the device has no memory pools; `refused`: it says it has, and has none
 *
 * What a stream is given is done at once, yet the emulator keeps count of what nobody has waited
 * for: memory that is freed while a stream was given work since it was allocated, and neither the
 * host nor the freeing stream comes after that work, ends the process. What must not be called
 * while a stream is captured fails and spoils the capture (CUDA C++ Programming Guide, "Prohibited
 * and Unhandled Operations"; cudaThreadExchangeStreamCaptureMode); cudaFree spoils any capture,
 * since it waits for the device.
 *
 * An error of a kernel sticks, as on a device: every later call returns it. Memory is allocated to
 * the byte, so that AddressSanitizer sees what a kernel reads past it. Rows that break, hang or are
 * wrong on request: planted.c. */
#include "cuda/args.h"
#include "emu.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace {

std::recursive_mutex lock;
cudaError_t last = cudaSuccess, stuck = cudaSuccess;
long calls;
struct block {
    size_t bytes;
    long born; /* what had been given by then is no use of it */
};
std::map<void *, block> live;
std::map<const void *, int> allowed_shared;
size_t used;
long graphs; /* recorded and instantiated ones, not yet destroyed */

struct queue {
    int capturing = 0, spoilt = 0;
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
    std::thread::id by;
    std::vector<std::function<cudaError_t()>> recorded;
    std::atomic<long> given{0};    /* the last piece of work; libraries queue without our lock */
    long waited = 0;               /* the last that the host waited for */
    std::map<queue *, long> after; /* how far other queues are before it */
};
struct event {
    std::chrono::steady_clock::time_point at;
    queue *of = nullptr;
    long given = 0;
    int captured = 0;
};
std::set<queue *> queues;
std::atomic<long> pieces; /* of work, on all queues */
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;
/* What queues had been given when the thread last set its device, with which every operation of
 * cuda/ begins: what others queue meanwhile is no use of what this one frees. */
thread_local std::map<queue *, long> seen;

long number(const char *name, long otherwise) {
    const char *env = getenv(name);
    return env && *env ? atol(env) : otherwise;
}

cudaError_t result(cudaError_t e) {
    if (e != cudaSuccess) last = e;
    return e;
}

/* What a call starts with: the error that sticks, or the one that was asked for. */
cudaError_t enter() {
    calls++;
    if (stuck != cudaSuccess) return result(stuck);
    const char *env = getenv("TARE_EMU_FAIL");
    int code = 0;
    long at = 0;
    if (env && sscanf(env, "%ld:%d", &at, &code) == 2 && at == calls) {
        if (code >= 700 && code < 720) stuck = (cudaError_t)code;
        return result((cudaError_t)code);
    }
    return cudaSuccess;
}

#define ENTER                                                                                      \
    std::lock_guard<std::recursive_mutex> held(lock);                                              \
    {                                                                                              \
        cudaError_t entered = enter();                                                             \
        if (entered != cudaSuccess) return entered;                                                \
    }

cudaError_t take(void **p, size_t bytes) {
    size_t limit = (size_t)number("TARE_EMU_MEMORY", 1l << 30);
    if (bytes > limit || used > limit - bytes) return cudaErrorMemoryAllocation;
    void *m = nullptr;
    /* A device's addresses are multiples of 256; the end stays at the byte for AddressSanitizer. */
    if (posix_memalign(&m, 256, bytes ? bytes : 1) != 0) return cudaErrorMemoryAllocation;
    /* Garbage; not all of a library's workspace, which would cost more than its products. */
    memset(m, 0xfb, bytes < 8u << 20 ? bytes : 8u << 20);
    live[m] = {bytes, pieces.load()};
    used += bytes;
    *p = m;
    return cudaSuccess;
}

cudaError_t give(void *p) {
    auto at = live.find(p);
    if (!p) return cudaSuccess;
    if (at == live.end()) return cudaErrorInvalidValue;
    used -= at->second.bytes;
    live.erase(at);
    free(p);
    return cudaSuccess;
}

/* Ends the process where p is freed, on queue `by` or by the host, before what may use it is done.
 */
void check_unused(void *p, queue *by) {
    auto at = live.find(p);
    if (at == live.end()) return;
    for (queue *q : queues) {
        long done = q->waited;
        if (by == q) done = q->given;
        if (by && by->after.count(q) && by->after[q] > done) done = by->after[q];
        long given = seen.count(q) ? std::min(seen[q], q->given.load()) : 0;
        if (given <= at->second.born || given <= done) continue;
        fprintf(stderr, "emulator: memory is freed that a stream may still be at work on\n");
        abort();
    }
}

/* A call that is not allowed while a capture goes on. all: whoever captures; else where this thread
 * does and has not said that it knows better, or another one does that cares. */
cudaError_t disturb(bool all) {
    cudaError_t e = cudaSuccess;
    for (queue *q : queues) {
        if (!q->capturing) continue;
        bool mine = q->by == std::this_thread::get_id();
        bool cares = thread_mode != cudaStreamCaptureModeRelaxed &&
                     (mine ? q->mode != cudaStreamCaptureModeRelaxed
                           : q->mode == cudaStreamCaptureModeGlobal &&
                                 thread_mode == cudaStreamCaptureModeGlobal);
        if (!all && !cares) continue;
        q->spoilt = 1;
        e = cudaErrorStreamCaptureUnsupported;
    }
    return e;
}

/* Now, or into the graph that the stream is captured for. */
cudaError_t submit(cudaStream_t s, std::function<cudaError_t()> work) {
    queue *q = (queue *)s;
    if (q && q->capturing) {
        q->recorded.push_back(work);
        return cudaSuccess;
    }
    if (q) q->given = ++pieces;
    return work();
}

} // namespace

extern "C" {

/* For tests: what is allocated on all devices, and calls so far. */
long tare_emu_live(void) {
    return (long)live.size() + graphs;
}
long tare_emu_calls(void) {
    return calls;
}
/* For the libraries that tests put beside the runtime: work(ctx) is queued on the stream, now or in
 * the graph that it is captured for, with a copy of ctx. */
void tare_emu_submit(void *stream, void (*work)(const void *), const void *ctx, size_t bytes) {
    std::vector<char> copy((const char *)ctx, (const char *)ctx + bytes);
    (void)submit((cudaStream_t)stream, [=] {
        work(copy.data());
        return cudaSuccess;
    });
}
/* What a kernel that reads where nothing is does to its process: queued work that calls this makes
 * every later call fail. */
void tare_emu_break(void) {
    stuck = cudaErrorIllegalAddress;
}
void tare_emu_reset(void) {
    stuck = last = cudaSuccess;
    calls = 0;
}

cudaError_t cudaGetDeviceCount(int *count) {
    std::lock_guard<std::recursive_mutex> held(lock);
    const char *driver = getenv("TARE_EMU_DRIVER");
    *count = 0;
    if (driver && strcmp(driver, "old") == 0) return result(cudaErrorInsufficientDriver);
    *count = (int)number("TARE_EMU_DEVICES", 1);
    return *count ? cudaSuccess : result(cudaErrorNoDevice);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
    ENTER;
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "emulated on the CPU, no GPU");
    p->major = (int)number("TARE_EMU_SM", 90) / 10;
    p->minor = (int)number("TARE_EMU_SM", 90) % 10;
    p->multiProcessorCount = 4;
    p->totalGlobalMem = (size_t)number("TARE_EMU_MEMORY", 1l << 30);
    p->l2CacheSize = (int)number("TARE_EMU_L2", 1 << 20);
    p->sharedMemPerBlockOptin = 227 << 10;
    p->memoryBusWidth = 512;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr what, int) {
    ENTER;
    const char *pools = getenv("TARE_EMU_POOLS");
    *v = what == cudaDevAttrMemoryPoolsSupported && !(pools && strcmp(pools, "no") == 0);
    return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char *out, int size, int device) {
    ENTER;
    snprintf(out, (size_t)size, "0000:%02x:00.0", 0x41 + device);
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
    ENTER;
    seen.clear();
    for (queue *q : queues) seen[q] = q->given;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *v) {
    *v = CUDART_VERSION;
    return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int *v) {
    *v = CUDART_VERSION;
    return cudaSuccess;
}
cudaError_t cudaMemPoolCreate(cudaMemPool_t *pool, const cudaMemPoolProps *) {
    ENTER;
    const char *pools = getenv("TARE_EMU_POOLS");
    if (pools && *pools) return result(cudaErrorNotSupported);
    *pool = (cudaMemPool_t)&live;
    return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *) {
    ENTER;
    return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) {
    ENTER;
    return cudaSuccess;
}
cudaError_t cudaMallocFromPoolAsync(void **p, size_t bytes, cudaMemPool_t, cudaStream_t) {
    ENTER;
    return result(take(p, bytes));
}
cudaError_t cudaFreeAsync(void *p, cudaStream_t s) {
    ENTER;
    check_unused(p, (queue *)s);
    return result(give(p));
}
cudaError_t cudaMalloc(void **p, size_t bytes) {
    ENTER;
    cudaError_t e = disturb(false);
    return result(e != cudaSuccess ? e : take(p, bytes));
}
cudaError_t cudaFree(void *p) {
    ENTER;
    cudaError_t e = disturb(true);
    if (e != cudaSuccess) return result(e);
    check_unused(p, nullptr);
    return result(give(p));
}
cudaError_t cudaMallocHost(void **p, size_t bytes) {
    ENTER;
    *p = malloc(bytes);
    return *p ? cudaSuccess : result(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void *p) {
    ENTER;
    free(p);
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t s) {
    ENTER;
    return result(submit(s, [=] {
        memcpy(to, from, bytes);
        return cudaSuccess;
    }));
}
cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t s) {
    ENTER;
    return result(submit(s, [=] {
        memset(p, value, bytes);
        return cudaSuccess;
    }));
}
cudaError_t cudaDeviceSynchronize(void) {
    ENTER;
    cudaError_t e = disturb(true);
    if (e != cudaSuccess) return result(e);
    for (queue *q : queues) q->waited = q->given;
    return cudaSuccess;
}

/* ---- streams and events ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) {
    ENTER;
    queue *q = new queue;
    queues.insert(q);
    *s = (cudaStream_t)q;
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
    std::lock_guard<std::recursive_mutex> held(lock);
    queues.erase((queue *)s);
    for (queue *q : queues) q->after.erase((queue *)s);
    delete (queue *)s;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
    ENTER;
    queue *q = (queue *)s;
    if (!q) return cudaSuccess;
    if (q->capturing) {
        q->spoilt = 1;
        return result(cudaErrorStreamCaptureUnsupported);
    }
    q->waited = q->given;
    for (auto &before : q->after)
        if (before.first->waited < before.second) before.first->waited = before.second;
    return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t p, unsigned) {
    ENTER;
    queue *q = (queue *)s;
    event *e = (event *)p;
    if (!e->of || !queues.count(e->of)) return cudaSuccess; /* never recorded */
    if (e->captured) { /* would draw the stream into the capture */
        e->of->spoilt = 1;
        return result(cudaErrorStreamCaptureIsolation);
    }
    if (q->after[e->of] < e->given) q->after[e->of] = e->given;
    return cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode) {
    ENTER;
    std::swap(*mode, thread_mode);
    return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) {
    ENTER;
    *e = (cudaEvent_t) new event;
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t e) {
    std::lock_guard<std::recursive_mutex> held(lock);
    delete (event *)e;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t p, cudaStream_t s) {
    ENTER;
    event *e = (event *)p;
    e->at = std::chrono::steady_clock::now();
    e->of = (queue *)s;
    e->given = e->of ? e->of->given.load() : 0;
    e->captured = e->of && e->of->capturing;
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t p) {
    ENTER;
    event *e = (event *)p;
    cudaError_t disturbed = disturb(false);
    if (disturbed != cudaSuccess) return result(disturbed);
    if (e->captured) return result(cudaErrorStreamCaptureUnsupported);
    if (queues.count(e->of) && e->of->waited < e->given) e->of->waited = e->given;
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to) {
    ENTER;
    *ms = std::chrono::duration<float, std::milli>(((event *)to)->at - ((event *)from)->at).count();
    return cudaSuccess;
}

/* ---- graphs: what was submitted, kept ---- */

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode) {
    ENTER;
    queue *q = (queue *)s;
    q->capturing = 1;
    q->spoilt = 0;
    q->mode = mode;
    q->by = std::this_thread::get_id();
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *graph) {
    ENTER;
    queue *q = (queue *)s;
    if (!q->capturing) return result(cudaErrorIllegalState);
    if (q->spoilt) {
        q->recorded.clear();
        q->capturing = 0;
        *graph = nullptr;
        return result(cudaErrorStreamCaptureInvalidated);
    }
    auto *g = new std::vector<std::function<cudaError_t()>>(q->recorded);
    q->recorded.clear();
    q->capturing = 0;
    graphs++;
    *graph = (cudaGraph_t)g;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
    ENTER;
    graphs++;
    *exec = (cudaGraphExec_t) new std::vector<std::function<cudaError_t()>>(
        *(std::vector<std::function<cudaError_t()>> *)graph);
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t s) {
    ENTER;
    if (s) ((queue *)s)->given = ++pieces;
    for (auto &work : *(std::vector<std::function<cudaError_t()>> *)exec) {
        cudaError_t e = work();
        if (e != cudaSuccess) return result(e);
    }
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    std::lock_guard<std::recursive_mutex> held(lock);
    graphs--;
    delete (std::vector<std::function<cudaError_t()>> *)graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    std::lock_guard<std::recursive_mutex> held(lock);
    graphs--;
    delete (std::vector<std::function<cudaError_t()>> *)exec;
    return cudaSuccess;
}

/* ---- kernels ---- */

cudaError_t cudaFuncSetAttribute(const void *f, cudaFuncAttribute what, int value) {
    ENTER;
    if (what == cudaFuncAttributeMaxDynamicSharedMemorySize) {
        if (value > (227 << 10)) return result(cudaErrorInvalidValue);
        allowed_shared[f] = value;
    }
    return cudaSuccess;
}
cudaError_t cudaLaunchKernel(const void *f, dim3 grid, dim3 block, void **args, size_t shared,
                             cudaStream_t s) {
    ENTER;
    unsigned threads = block.x * block.y * block.z;
    size_t limit = allowed_shared.count(f) ? (size_t)allowed_shared[f] : 48u << 10;
    if (threads == 0 || threads > 1024 || threads % 32 || grid.x == 0 || grid.y == 0 ||
        grid.z == 0 || grid.y > 65535 || grid.z > 65535 || shared > limit)
        return result(cudaErrorInvalidConfiguration);
    cu_args copy = *(const cu_args *)args[0];
    return result(submit(s, [=] {
        unsigned g[3] = {grid.x, grid.y, grid.z}, b[3] = {block.x, block.y, block.z};
        if (emu_run(f, &copy, sizeof copy, g, b, shared)) return cudaSuccess;
        return stuck = cudaErrorLaunchFailure;
    }));
}

cudaError_t cudaGetLastError(void) {
    std::lock_guard<std::recursive_mutex> held(lock);
    cudaError_t e = last;
    last = stuck;
    return e;
}
const char *cudaGetErrorName(cudaError_t e) {
    switch (e) {
    case cudaSuccess:
        return "cudaSuccess";
    case cudaErrorInvalidValue:
        return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
        return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
        return "cudaErrorInvalidConfiguration";
    case cudaErrorNoDevice:
        return "cudaErrorNoDevice";
    case cudaErrorInsufficientDriver:
        return "cudaErrorInsufficientDriver";
    case cudaErrorIllegalAddress:
        return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
        return "cudaErrorLaunchFailure";
    default:
        return "an error";
    }
}
const char *cudaGetErrorString(cudaError_t e) {
    return cudaGetErrorName(e);
}

} // extern "C"
