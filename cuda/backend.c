/* CUDA as a backend: its table. */
#include "cuda/cu.h"
#include "cuda/prune.h"

static const tare_backend_ops ops = {
    .open = cu_open,
    .probe = cu_probe,
    .prune = cu_prune,
    .alloc = cu_alloc,
    .free = cu_free,
    .stream_create = cu_stream_create,
    .stream_sync = cu_stream_sync,
    .stream_destroy = cu_stream_destroy,
    .stream_times = cu_stream_times,
    .write = cu_write,
    .read = cu_read,
    .graph_begin = cu_graph_begin,
    .graph_end = cu_graph_end,
    .graph_replay = cu_graph_replay,
    .graph_destroy = cu_graph_destroy,
    .clocks = cu_clocks,
    .fill = cu_fill,
    .copy = cu_copy,
};

const tare_backend cu_backend = {
    .abi = TARE_BACKEND_ABI,
    .struct_size = TARE_BACKEND_STRUCT_SIZE,
    .name = "cuda",
    .host_memory = 0,
    .device_count = cu_device_count,
    .ops = &ops,
    .rows = cu_rows,
    .feature_name = cu_feature_name,
};
