/* The CUDA runtime, emulated: one or more devices whose memory is the host's, whose streams do at
 * once what is queued, and whose kernels run in fibers. Enough of it for cuda/, and for its faults:
 *
 *   TARE_EMU_DEVICES=N    devices; 0: none (default 1)
 *   TARE_EMU_DRIVER=old   the driver is older than the runtime
 *   TARE_EMU_MEMORY=BYTES of a device (default 1 GiB)
 *   TARE_EMU_L2=BYTES     of its last cache (default 1 MiB)
 *   TARE_EMU_FAIL=N:CODE  the N-th call of the runtime fails with the error CODE, once
 *
 * An error of a kernel sticks, as on a device: every later call returns it. Memory is allocated to
 * the byte, so that AddressSanitizer sees what a kernel reads past it. Rows that break, hang or are
 * wrong on request: planted.c. */
#include "cuda/args.h"
#include "emu.h"

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace {

std::recursive_mutex lock;
cudaError_t last = cudaSuccess, stuck = cudaSuccess;
long calls;
std::map<void *, size_t> live;
std::map<const void *, int> allowed_shared;
size_t used;
long graphs; /* recorded and instantiated ones, not yet destroyed */

struct queue {
    int capturing = 0;
    std::vector<std::function<cudaError_t()>> recorded;
};
struct event {
    std::chrono::steady_clock::time_point at;
};

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
    live[m] = bytes;
    used += bytes;
    *p = m;
    return cudaSuccess;
}

cudaError_t give(void *p) {
    auto at = live.find(p);
    if (!p) return cudaSuccess;
    if (at == live.end()) return cudaErrorInvalidValue;
    used -= at->second;
    live.erase(at);
    free(p);
    return cudaSuccess;
}

/* Now, or into the graph that the stream is captured for. */
cudaError_t submit(cudaStream_t s, std::function<cudaError_t()> work) {
    queue *q = (queue *)s;
    if (q && q->capturing) {
        q->recorded.push_back(work);
        return cudaSuccess;
    }
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
cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr, int) {
    ENTER;
    *v = 0;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char *out, int size, int device) {
    ENTER;
    snprintf(out, (size_t)size, "0000:%02x:00.0", 0x41 + device);
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
    ENTER;
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
cudaError_t cudaFreeAsync(void *p, cudaStream_t) {
    ENTER;
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
    return cudaSuccess;
}

/* ---- streams and events ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) {
    ENTER;
    *s = (cudaStream_t) new queue;
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
    std::lock_guard<std::recursive_mutex> held(lock);
    delete (queue *)s;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
    ENTER;
    return s && ((queue *)s)->capturing ? result(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
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
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t) {
    ENTER;
    ((event *)e)->at = std::chrono::steady_clock::now();
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to) {
    ENTER;
    *ms = std::chrono::duration<float, std::milli>(((event *)to)->at - ((event *)from)->at).count();
    return cudaSuccess;
}

/* ---- graphs: what was submitted, kept ---- */

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
    ENTER;
    ((queue *)s)->capturing = 1;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *graph) {
    ENTER;
    queue *q = (queue *)s;
    if (!q->capturing) return result(cudaErrorIllegalState);
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
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t) {
    ENTER;
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
