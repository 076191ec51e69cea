/* OpenCL as a backend: its table. */
#include "opencl/ocl.h"

static const tare_backend_ops ops = {
    .open = ocl_open,
    .describe = ocl_describe,
    .probe = ocl_probe,
    .tune = ocl_tune,
    .alloc = ocl_alloc,
    .free = ocl_free,
    .stream_create = ocl_stream_create,
    .stream_sync = ocl_stream_sync,
    .stream_destroy = ocl_stream_destroy,
    .stream_times = ocl_stream_times,
    .write = ocl_write,
    .read = ocl_read,
    .fill = ocl_fill,
    .copy = ocl_copy,
    .clock = ocl_clock,
};

const tare_backend ocl_backend = {
    .abi = TARE_BACKEND_ABI,
    .struct_size = TARE_BACKEND_STRUCT_SIZE,
    .name = "opencl",
    .host_memory = 0,
    .device_count = ocl_device_count,
    .ops = &ops,
    .rows = ocl_rows,
    .feature_name = ocl_feature_name,
};
