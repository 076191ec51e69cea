/* The backend's table, and the one symbol that the module exports. */
#include "opencl/ocl.h"

#include <stdarg.h>
#include <stdio.h>

const tare_backend *tare_backend_entry(const tare_backend_host *h, const char **why);

static const tare_backend_host *host;

/* The parts of the library that the module carries report errors through this: to the library that
 * loaded it. */
tare_status tare_fail(tare_status s, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return host ? host->fail(s, "%s", text) : s;
}

static const tare_backend_ops ops = {
    .open = ocl_open,
    .probe = ocl_probe,
    .alloc = ocl_alloc,
    .free = ocl_free,
    .stream_create = ocl_stream_create,
    .stream_sync = ocl_stream_sync,
    .stream_destroy = ocl_stream_destroy,
    .stream_times = ocl_stream_times,
    .write = ocl_write,
    .read = ocl_read,
};

static const tare_backend backend = {
    .abi = TARE_BACKEND_ABI,
    .struct_size = TARE_BACKEND_STRUCT_SIZE,
    .name = "opencl",
    .host_memory = 0,
    .device_count = ocl_device_count,
    .ops = &ops,
    .rows = ocl_rows,
    .feature_name = ocl_feature_name,
};

__attribute__((visibility("default"))) const tare_backend *
tare_backend_entry(const tare_backend_host *h, const char **why) {
    if (h->abi != TARE_BACKEND_ABI) {
        *why = "built for another version of tare";
        return NULL;
    }
    host = h;
    return &backend;
}
