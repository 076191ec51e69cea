/* The CPU as a backend: one device, host memory, streams without a queue. */
#include "cpu/cpu.h"
#include "src/compress/prune_values.h"
#include "src/parse.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void cpu_name(char *out, size_t size) {
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(out, size, "CPU");
    if (!f) return;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        char *v = strchr(line, ':');
        if (v) snprintf(out, size, "%.*s", (int)strcspn(v + 2, "\n"), v + 2);
        break;
    }
    fclose(f);
}

static tare_status describe(void *state, tare_device_info *info) {
    (void)state;
    info->threads = tare_threads();
    return TARE_OK;
}

static tare_status open_cpu(int index, tare_device_info *info, tare_rates *rates,
                            uint64_t *features, void **state) {
    (void)index;
    *state = NULL;
    if (tare_threads_error()) TARE_FAIL(TARE_E_ARG, "%s", tare_threads_error());
    if (cpu_mask_error()) TARE_FAIL(TARE_E_ARG, "%s", cpu_mask_error());
    *features = cpu_features();
    snprintf(info->id, sizeof info->id, "cpu");
    cpu_name(info->name, sizeof info->name);
    cpu_feature_names(*features, info->features, sizeof info->features);
    cpu_runtime(info->runtime, sizeof info->runtime);
    info->memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
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
