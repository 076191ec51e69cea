/* Platforms and devices, found once; what a device can do; its memory. */
#ifdef TARE_HAVE_CLBLAST
#include "opencl/clblast.h"
#endif
#include "opencl/ocl.h"
#include "src/beside.h"
#include "src/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By bit: OCL_FP16 and so on. */
static const char *const feature_names[] = {"fp16", "fp64", "dot8", "fma", "denorm"};

const char *ocl_feature_name(int bit) {
    return bit >= 0 && bit < (int)(sizeof feature_names / sizeof *feature_names)
               ? feature_names[bit]
               : NULL;
}

enum { PLATFORMS = 16, DEVICES = 32 };

static ocl_device devices[DEVICES];
static int count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void add_devices(cl_platform_id platform, int unlisted) {
    cl_device_id id[DEVICES];
    cl_uint found = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, DEVICES, id, &found) != CL_SUCCESS) return;
    for (cl_uint i = 0; i < found && i < DEVICES && count < DEVICES; i++)
        devices[count++] = (ocl_device){.platform = platform, .unlisted = unlisted, .id = id[i]};
}

static int is_nvidia(cl_platform_id platform) {
    char vendor[256] = "";
    return clGetPlatformInfo(platform, CL_PLATFORM_VENDOR, sizeof vendor - 1, vendor, NULL) ==
               CL_SUCCESS &&
           strstr(vendor, "NVIDIA") != NULL;
}

/* A container may have NVIDIA's driver without the entry that tells the loader of its OpenCL: then
 * the driver's own folder has it, and by cl_khr_icd its platforms serve the loader's functions. Not
 * where somebody has said which drivers he wants. */
static cl_uint find_unlisted(cl_platform_id *platform) {
    typedef cl_int platforms_fn(cl_uint, cl_platform_id *, cl_uint *);
    void *(*address)(const char *);
    platforms_fn *get;
    cl_uint platforms = 0;
    if (getenv("OCL_ICD_VENDORS")) return 0;
    void *driver = tare_open_beside("libcuda.so.1", "libnvidia-opencl.so.1");
    if (!driver) return 0;
    *(void **)&address = dlsym(driver, "clGetExtensionFunctionAddress");
    if (!address) return 0;
    *(void **)&get = address("clIcdGetPlatformIDsKHR");
    return get && get(PLATFORMS, platform, &platforms) == CL_SUCCESS ? platforms : 0;
}

static void find(void) {
    cl_platform_id platform[PLATFORMS];
    cl_uint platforms = 0;
    int nvidia = 0;
    if (clGetPlatformIDs(PLATFORMS, platform, &platforms) != CL_SUCCESS) platforms = 0;
    for (cl_uint p = 0; p < platforms && p < PLATFORMS; p++) {
        add_devices(platform[p], 0);
        nvidia |= is_nvidia(platform[p]);
    }
    if (nvidia) return;
    platforms = find_unlisted(platform);
    for (cl_uint p = 0; p < platforms && p < PLATFORMS; p++) add_devices(platform[p], 1);
}

int ocl_device_count(void) {
    pthread_once(&once, find);
    return count;
}

/* ---- what the device says of itself ---- */

static void text_of(const ocl_device *d, cl_device_info what, char *out, size_t size) {
    char text[4096] = "";
    if (clGetDeviceInfo(d->id, what, sizeof text - 1, text, NULL) != CL_SUCCESS) text[0] = 0;
    snprintf(out, size, "%s", text + strspn(text, " "));
}

static int64_t number_of(const ocl_device *d, cl_device_info what, size_t bytes) {
    union {
        cl_uint u;
        cl_ulong l;
    } v = {.l = 0};
    if (clGetDeviceInfo(d->id, what, bytes, &v, NULL) != CL_SUCCESS) return 0;
    uint64_t n = bytes == sizeof v.u ? v.u : v.l;
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static int has_extension(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ' ')) return 1;
    return 0;
}

static void describe_device(ocl_device *d) {
    char extensions[4096], platform[512] = "";
    cl_device_type type = 0;
    text_of(d, CL_DEVICE_NAME, d->name, sizeof d->name);
    text_of(d, CL_DEVICE_VENDOR, d->vendor, sizeof d->vendor);
    text_of(d, CL_DRIVER_VERSION, d->driver, sizeof d->driver);
    text_of(d, CL_DEVICE_EXTENSIONS, extensions, sizeof extensions);
    (void)clGetPlatformInfo(d->platform, CL_PLATFORM_VERSION, sizeof platform - 1, platform, NULL);
    size_t end = strcspn(platform, ",");
    while (end > 0 && platform[end - 1] == ' ') end--;
    snprintf(d->version, sizeof d->version, "%.*s", (int)end, platform);
    (void)clGetDeviceInfo(d->id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    /* A CPU whose driver makes vectors of work-items wants what a GPU wants: it says that it
     * prefers scalars, and it would spill wide vectors a work-item. */
    d->is_cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    d->class =
        d->is_cpu && number_of(d, CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT, sizeof(cl_uint)) > 1
            ? OCL_CPU
            : OCL_GPU;
    d->memory = number_of(d, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
    d->max_alloc = number_of(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong));
    d->local_bytes = number_of(d, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong));
    d->cache = number_of(d, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof(cl_ulong));
    d->units = (int)number_of(d, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint));
    d->clock_mhz = (int)number_of(d, CL_DEVICE_MAX_CLOCK_FREQUENCY, sizeof(cl_uint));
    d->max_group = (int)number_of(d, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t));
    d->features = (has_extension(extensions, "cl_khr_fp16") ? OCL_FP16 : 0u) |
                  (has_extension(extensions, "cl_khr_fp64") ? OCL_FP64 : 0u) |
                  (has_extension(extensions, "cl_khr_integer_dot_product") ? OCL_DOT8 : 0u);
    cl_device_fp_config f32 = 0;
    (void)clGetDeviceInfo(d->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof f32, &f32, NULL);
    if (f32 & CL_FP_FMA) d->features |= OCL_FMA;
    if (f32 & CL_FP_DENORM) d->features |= OCL_DENORM;
}

/* Orders of magnitude, until the probes have measured. */
static tare_rates estimate(const ocl_device *d) {
    double cycles = d->units * (d->clock_mhz > 0 ? d->clock_mhz : 1000) * 1e-3; /* 1e9 a second */
    if (d->is_cpu)
        return (tare_rates){.read_gbs = 20,
                            .cache_gbs = 40,
                            .f32_gflops = 16 * cycles,
                            .i8_gops = 16 * cycles,
                            .launch_ns = 30000,
                            .h2d_gbs = 8,
                            .d2h_gbs = 8};
    return (tare_rates){.read_gbs = 300,
                        .cache_gbs = 1000,
                        .f32_gflops = 256 * cycles,
                        .i8_gops = 512 * cycles,
                        .launch_ns = 10000,
                        .h2d_gbs = 10,
                        .d2h_gbs = 10};
}

static void fill_info(const ocl_device *d, int index, tare_device_info *info) {
    snprintf(info->id, sizeof info->id, "opencl:%d", index);
    snprintf(info->name, sizeof info->name, "%s", d->name);
    snprintf(info->features, sizeof info->features, "%s%s%s%s%s%s%s", d->is_cpu ? "cpu" : "gpu",
             d->is_cpu == (d->class == OCL_CPU) ? ""
             : d->is_cpu                        ? " gpu-kernels"
                                                : " cpu-kernels",
             d->features & OCL_FP16 ? " fp16" : "", d->features & OCL_FP64 ? " fp64" : "",
             d->features & OCL_DOT8 ? " dot8" : "", d->features & OCL_FMA ? " fma" : "",
             d->features & OCL_DENORM ? " denorm" : "");
    snprintf(info->runtime, sizeof info->runtime, "%.100s, driver %.40s", d->version, d->driver);
#ifdef TARE_HAVE_CLBLAST
    char vendor[64];
    size_t end = strlen(info->runtime);
    ocl_clblast_version(vendor, sizeof vendor);
    snprintf(info->runtime + end, sizeof info->runtime - end, ", %.30s", vendor);
#endif
    info->memory = d->memory;
    info->cache = d->cache;
}

/* A variable that overrules what the device says of itself must be a word that means something. */
static tare_status check_variable(const char *name, const char *one, const char *other) {
    const char *v = getenv(name);
    if (!v || !*v || strcmp(v, one) == 0 || (other && strcmp(v, other) == 0)) return TARE_OK;
    TARE_FAIL(TARE_E_ARG, "opencl: %s is %s%s%s, not '%.40s'", name, one, other ? " or " : "",
              other ? other : "", v);
}

tare_status ocl_open(int index, tare_device_info *info, tare_rates *rates, uint64_t *features,
                     void **state) {
    ocl_device *d = &devices[index];
    cl_context_properties props[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)d->platform, 0};
    cl_int e = CL_SUCCESS;
    TARE_TRY(check_variable("TARE_OPENCL_CLASS", "cpu", "gpu"));
    TARE_TRY(check_variable("TARE_OPENCL_CLOCK", "host", NULL));
    describe_device(d);
    d->context = CL_MAKE(e, clCreateContext(d->unlisted ? NULL : props, 1, &d->id, NULL, NULL, &e));
    TARE_TRY(ocl_check(d, "clCreateContext", e));
    if (pthread_mutex_init(&d->lock, NULL) != 0 || pthread_mutex_init(&d->clock_lock, NULL) != 0) {
        (void)clReleaseContext(d->context);
        TARE_FAIL(TARE_E_DEVICE, "opencl: no mutex for %s", d->name);
    }
    d->params = ocl_params_of(d);
    fill_info(d, index, info);
    *rates = estimate(d);
    *features = d->features;
    *state = d;
    return TARE_OK;
}

/* Whose clock measures it, where it isn't its own. And a cache that takes nothing costs seconds in
 * every process: say why. */
tare_status ocl_describe(void *state, tare_device_info *info) {
    ocl_device *d = state;
    char folder[1024] = "";
    double tick;
    size_t at = strlen(info->runtime);
    if (ocl_clock(d, &tick) == TARE_E_UNSUPPORTED) {
        snprintf(info->runtime + at, sizeof info->runtime - at, ", timed by the host: %s",
                 d->clock_why);
        at = strlen(info->runtime);
    }
    if (!atomic_load(&d->unkept) || !tare_cache_folder(folder, sizeof folder)) return TARE_OK;
    snprintf(info->runtime + at, sizeof info->runtime - at,
             ", programs are not kept: cannot write to %.60s", folder);
    return TARE_OK;
}

/* ---- memory ---- */

tare_status ocl_alloc(void *state, size_t bytes, void **mem) {
    ocl_device *d = state;
    cl_int e = CL_SUCCESS;
    *mem = NULL;
    TARE_TRY(ocl_alive(d));
    if (d->max_alloc > 0 && bytes > (uint64_t)d->max_alloc)
        TARE_FAIL(TARE_E_NOMEM, "opencl: %zu bytes pass the largest buffer of %s, %lld", bytes,
                  d->name, (long long)d->max_alloc);
    cl_mem m =
        CL_MAKE(e, clCreateBuffer(d->context, CL_MEM_READ_WRITE, bytes ? bytes : 1, NULL, &e));
    TARE_TRY(ocl_check(d, "clCreateBuffer", e));
    *mem = m;
    return TARE_OK;
}

void ocl_free(void *state, void *mem) {
    (void)state;
    if (mem) (void)clReleaseMemObject(mem);
}
