/* The CPU as a backend: one device, host memory, streams without a queue. */
#include "cpu/cpu.h"
#include "cpu/machine.h"
#include "src/compress/prune_values.h"
#include "src/parse.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static tare_status describe(void *state, tare_device_info *info) {
    (void)state;
    info->threads = tare_threads();
    cpu_runtime(info->runtime, sizeof info->runtime); /* whose threads: may change */
    return TARE_OK;
}

static tare_status open_cpu(int index, tare_device_info *info, tare_rates *rates,
                            uint64_t *features, void **state) {
    (void)index;
    *state = NULL;
    if (tare_threads_error()) TARE_FAIL(TARE_E_ARG, "%s", tare_threads_error());
    if (cpu_mask_error()) TARE_FAIL(TARE_E_ARG, "%s", cpu_mask_error());
    *features = cpu_features() | cpu_libraries();
    snprintf(info->id, sizeof info->id, "cpu");
    cpu_name(info->name, sizeof info->name);
    cpu_feature_names(cpu_features(), info->features, sizeof info->features);
    info->memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    long l3 = cpu_caches(3), l2 = cpu_caches(2);
    info->cache = l3 > 0 ? l3 : l2 > 0 ? l2 : (long)8 << 20;
    cpu_estimate_rates(*features, rates);
    return describe(NULL, info);
}

static int one_device(void) {
    return 1;
}

static tare_status mem_alloc(void *state, size_t bytes, void **mem) {
    (void)state;
    *mem = tare_alloc(bytes);
    if (!*mem) TARE_FAIL(TARE_E_NOMEM, "cpu: no memory for %zu bytes", bytes);
    return TARE_OK;
}

static void mem_free(void *state, void *mem) {
    (void)state;
    tare_free(mem);
}

static tare_status stream_create(void *state, void **stream) {
    (void)state;
    *stream = NULL;
    return TARE_OK;
}

static tare_status stream_sync(void *state, void *stream) {
    (void)state, (void)stream;
    return TARE_OK;
}

static void stream_destroy(void *state, void *stream) {
    (void)state, (void)stream;
}

static tare_status mem_write(void *state, void *stream, void *mem, size_t offset, const void *src,
                             size_t bytes) {
    (void)state, (void)stream;
    memcpy((char *)mem + offset, src, bytes);
    return TARE_OK;
}

static tare_status mem_read(void *state, void *stream, const void *mem, size_t offset, void *dst,
                            size_t bytes) {
    (void)state, (void)stream;
    memcpy(dst, (const char *)mem + offset, bytes);
    return TARE_OK;
}

static tare_status prune(void *state, void *stream, void *w, int64_t n, int64_t k,
                         const tare_prune *how, int64_t *nnz) {
    (void)state, (void)stream;
    return prune_values(w, n, k, how, nnz);
}

static const tare_backend_ops ops = {
    .open = open_cpu,
    .describe = describe,
    .probe = cpu_probe,
    .alloc = mem_alloc,
    .free = mem_free,
    .stream_create = stream_create,
    .stream_sync = stream_sync,
    .stream_destroy = stream_destroy,
    .write = mem_write,
    .read = mem_read,
    .prune = prune,
};

const tare_backend tare_cpu_backend = {
    .abi = TARE_BACKEND_ABI,
    .struct_size = TARE_BACKEND_STRUCT_SIZE,
    .name = "cpu",
    .host_memory = 1,
    .device_count = one_device,
    .ops = &ops,
    .rows = cpu_rows,
    .feature_name = cpu_feature_name,
};
