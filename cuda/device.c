/* Devices: how many there are, what they can do. */
#include "cuda/lib/library.h"

#include <stdio.h>
#include <string.h>

enum { DEVICES = 32 };
static cu_device devices[DEVICES];
static int count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* By bit: CU_SM80 and so on. */
static const char *const feature_names[] = {"sm80",     "sm90",       "fp8",  "cublaslt",
                                            "cusparse", "cusparselt", "sm90a"};

const char *cu_feature_name(int bit) {
    return bit >= 0 && bit < (int)(sizeof feature_names / sizeof *feature_names)
               ? feature_names[bit]
               : NULL;
}

static cudaError_t found;

/* No driver, or one older than the runtime: no devices, which is no error. */
static void find(void) {
    found = cudaGetDeviceCount(&count);
    if (found != cudaSuccess) {
        (void)cudaGetLastError();
        count = 0;
    }
    if (count > DEVICES) count = DEVICES;
    for (int i = 0; i < count; i++) devices[i].ordinal = i;
}

int cu_device_count(void) {
    pthread_once(&once, find);
    int driver = 0;
    if (found == cudaSuccess) return count;
    /* The runtime calls a driver that is not there one that is too old. */
    (void)cudaDriverGetVersion(&driver);
    (void)tare_fail(TARE_E_NODEVICE, "%s",
                    driver ? cudaGetErrorString(found) : "there is no NVIDIA driver");
    return count;
}

static int attribute(const cu_device *d, enum cudaDeviceAttr what) {
    int v = 0;
    return cudaDeviceGetAttribute(&v, what, d->ordinal) == cudaSuccess ? v : 0;
}

static const struct {
    uint64_t bit;
    cu_library *library;
} libraries[] = {
    {CU_CUBLASLT, &cu_cublaslt}, {CU_CUSPARSE, &cu_cusparse}, {CU_CUSPARSELT, &cu_cusparselt}};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

static uint64_t open_libraries(void) {
    uint64_t bits = 0;
    for (int i = 0; i < LIBRARIES; i++)
        if (cu_library_open(libraries[i].library)) bits |= libraries[i].bit;
    return bits;
}

static tare_status describe_device(cu_device *d) {
    struct cudaDeviceProp p;
    snprintf(d->name, sizeof d->name, "cuda:%d", d->ordinal);
    TARE_TRY(CU(d, cudaGetDeviceProperties(&p, d->ordinal)));
    snprintf(d->name, sizeof d->name, "%.100s", p.name);
    d->major = p.major;
    d->minor = p.minor;
    d->units = p.multiProcessorCount;
    d->memory = (int64_t)p.totalGlobalMem;
    d->l2_bytes = p.l2CacheSize;
    d->shared_bytes = (int)p.sharedMemPerBlockOptin;
    d->clock_khz = attribute(d, cudaDevAttrClockRate);
    d->memory_clock_khz = attribute(d, cudaDevAttrMemoryClockRate);
    d->bus_bits = p.memoryBusWidth;
    int cc = 10 * d->major + d->minor;
    d->features = (cc >= 80 ? CU_SM80 : 0u) | (cc >= 90 ? CU_SM90 : 0u) | (cc >= 89 ? CU_FP8 : 0u) |
                  (cc == 90 ? CU_SM90A : 0u);
    if (d->features & CU_SM80) d->features |= open_libraries();
    return TARE_OK;
}

/* Orders of magnitude from the data sheet's arithmetic, until the probes have measured: a
 * multiprocessor of compute capability 8 and 9 does 128 f32 multiply-adds a cycle, of 8.0 64; its
 * tensor cores 1024 f16 ones on 8.0, 2048 on 9.0, and twice that in int8. */
static tare_rates estimate(const cu_device *d) {
    double cycles =
        d->units * (d->clock_khz > 0 ? d->clock_khz : 1000000) * 1e-6; /* 1e9 a second */
    double tensor = d->major >= 9 ? 2048 : 1024;
    double bus = 2.0 * d->memory_clock_khz * 1e-6 * d->bus_bits / 8;
    return (tare_rates){.read_gbs = bus > 0 ? 0.9 * bus : 1000,
                        .cache_gbs = 2.5 * (bus > 0 ? bus : 1000),
                        .f32_gflops = 2 * (d->major == 8 && d->minor == 0 ? 64 : 128) * cycles,
                        .bf16_gflops = 0.7 * 2 * tensor * cycles,
                        .i8_gops = 0.7 * 4 * tensor * cycles,
                        .launch_ns = 3000,
                        .h2d_gbs = 20,
                        .d2h_gbs = 20};
}

static void fill_info(const cu_device *d, tare_device_info *info) {
    int runtime = 0, driver = 0, at = 0;
    (void)cudaRuntimeGetVersion(&runtime);
    (void)cudaDriverGetVersion(&driver);
    snprintf(info->id, sizeof info->id, "cuda:%d", d->ordinal);
    snprintf(info->name, sizeof info->name, "%s", d->name);
    size_t room = sizeof info->runtime;
    at = snprintf(info->runtime, room, "CUDA %d.%d, driver for %d.%d%s", runtime / 1000,
                  runtime % 1000 / 10, driver / 1000, driver % 1000 / 10,
                  d->pool ? "" : "; no memory pools: cudaMalloc");
    for (int i = 0; i < LIBRARIES && (size_t)at < room; i++)
        at += snprintf(info->runtime + at, room - (size_t)at, "; %s%s %.40s",
                       d->features & libraries[i].bit ? "" : "no ", libraries[i].library->name,
                       libraries[i].library->text);
    at = snprintf(info->features, sizeof info->features, "sm_%d%d", d->major, d->minor);
    for (int bit = 0; cu_feature_name(bit); bit++)
        if ((d->features >> bit & 1) && at < 150)
            at += snprintf(info->features + at, sizeof info->features - (size_t)at, " %s",
                           cu_feature_name(bit));
    info->memory = d->memory;
    info->cache = d->l2_bytes;
}

tare_status cu_open(int index, tare_device_info *info, tare_rates *rates, uint64_t *features,
                    void **state) {
    cu_device *d = &devices[index];
    TARE_TRY(describe_device(d));
    if (!(d->features & CU_SM80))
        TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: %s is sm_%d%d; the kernels are for 8.0 and newer",
                  d->name, d->major, d->minor);
    TARE_TRY(cu_enter(d));
    TARE_TRY(cu_pool_open(d));
    if (pthread_mutex_init(&d->lock, NULL) != 0 || pthread_mutex_init(&d->queues, NULL) != 0)
        TARE_FAIL(TARE_E_DEVICE, "cuda: no mutex for %s", d->name);
    fill_info(d, info);
    *rates = estimate(d);
    *features = d->features;
    *state = d;
    return TARE_OK;
}
