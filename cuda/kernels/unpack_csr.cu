/* CSR back to rows, a warp to 1024 columns of a row: its values begin where a binary search among
 * the row's columns says; they go to their places in shared memory, and the row is written once. */
#include "cuda/kernels/unpack.cuh"
#include "cuda/layout/csr.h"

namespace {

CU_DEV int64_t column_of(const cu_args &a, int64_t i) {
    const char *columns = (const char *)a.w + a.at[CU_CSR_COLUMNS];
    return a.i[CU_PACK_WIDE] ? (int64_t)((const uint32_t *)columns)[i]
                             : (int64_t)((const uint16_t *)columns)[i];
}

/* The first of values low .. high - 1 at or behind a column. */
CU_DEV int64_t find(const cu_args &a, int64_t low, int64_t high, int64_t column) {
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (column_of(a, middle) < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

template <int TO>
__global__ void __launch_bounds__(CU_PACK_THREADS) unpack_csr(const __grid_constant__ cu_args a) {
    __shared__ float room[CU_PACK_WARPS][CU_PACK_SEGMENT];
    int64_t across = (a.at[CU_UNPACK_LD] + CU_PACK_SEGMENT - 1) / CU_PACK_SEGMENT;
    int64_t unit = cu_warp_of_grid(), row = unit / across, first = unit % across * CU_PACK_SEGMENT;
    int lane = threadIdx.x % 32;
    const char *blob = (const char *)a.w, *values = blob + a.at[CU_CSR_VALUES];
    const uint32_t *offsets = (const uint32_t *)blob;
    float *own = room[threadIdx.x / 32];
    if (row >= a.n) return;
    float factor = cu_sparse_factor(a, row);
    for (int j = lane; j < CU_PACK_SEGMENT; j += 32) own[j] = 0;
    __syncwarp();
    int64_t begin = find(a, offsets[row], offsets[row + 1], first);
    int64_t end = find(a, begin, offsets[row + 1], first + CU_PACK_SEGMENT);
    for (int64_t i = begin + lane; i < end; i += 32)
        own[column_of(a, i) - first] =
            cu_times<TO>(cu_value_of(values, a.i[CU_PACK_VALUE], i), factor);
    __syncwarp();
    for (int j = lane * 4; j < CU_PACK_SEGMENT; j += 128)
        cu_store_run<TO, 4>(a, row, first + j, own + j);
}

} // namespace

extern "C" const void *cu_unpack_csr(int to) {
    return CU_UNPACK_BY_TYPE(unpack_csr, to);
}
