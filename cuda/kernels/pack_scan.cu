/* Sums of what stands before, in place: of 4096 numbers a block, then of the blocks' sums, which
 * are added to each block's. (Blelloch, Prefix Sums and Their Applications, 1990, section 1.3;
 * three kernels rather than one that looks back, since lists are a thousandth of W.) And what else
 * is made of such sums: offsets of rows, and zeros behind the last value. */
#include "cuda/kernels/pack.cuh"

namespace {

enum { EACH = CU_SCAN_BLOCK / CU_PACK_THREADS };

/* The sum of the block's threads before this one; of all of them in *total. */
CU_DEV uint32_t before(uint32_t sum, uint32_t *total) {
    __shared__ uint32_t part[CU_PACK_WARPS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    uint32_t at = cu_warp_before(sum, lane), all = 0;
    if (lane == 31) part[warp] = at + sum;
    __syncthreads();
#pragma unroll
    for (int w = 0; w < CU_PACK_WARPS; w++) {
        if (w < warp) at += part[w];
        all += part[w];
    }
    __syncthreads();
    *total = all;
    return at;
}

/* Numbers first .. first + 4095 of a list; returns their sum. */
CU_DEV uint32_t scan(uint32_t *list, int64_t count, int64_t first, uint32_t carry) {
    uint32_t v[EACH], sum = 0, total;
    int64_t own = first + threadIdx.x * EACH;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        v[i] = own + i < count ? list[own + i] : 0;
        sum += v[i];
    }
    uint32_t at = before(sum, &total) + carry;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        if (own + i < count) list[own + i] = at;
        at += v[i];
    }
    return total;
}

} // namespace

/* y: the list of at[0] numbers; extra: a sum a block. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_scan_blocks(const __grid_constant__ cu_args a) {
    uint32_t sum = scan((uint32_t *)a.y, a.at[0], (int64_t)blockIdx.x * CU_SCAN_BLOCK, 0);
    if (threadIdx.x == 0) ((uint32_t *)a.extra)[blockIdx.x] = sum;
}

/* One block: the sums of the blocks, at[1] of them. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_scan_sums(const __grid_constant__ cu_args a) {
    uint32_t carry = 0;
    for (int64_t i = 0; i < a.at[1]; i += CU_SCAN_BLOCK)
        carry += scan((uint32_t *)a.extra, a.at[1], i, carry);
}

extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_scan_add(const __grid_constant__ cu_args a) {
    int64_t i = (int64_t)blockIdx.x * CU_SCAN_BLOCK + threadIdx.x;
    uint32_t sum = ((const uint32_t *)a.extra)[blockIdx.x];
#pragma unroll
    for (int j = 0; j < EACH; j++, i += CU_PACK_THREADS)
        if (i < a.at[0]) ((uint32_t *)a.y)[i] += sum;
}

/* y: at[0] numbers, every at[1]-th of the list w. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_offsets(const __grid_constant__ cu_args a) {
    int64_t i = (int64_t)blockIdx.x * CU_PACK_THREADS + threadIdx.x;
    if (i < a.at[0]) ((uint32_t *)a.y)[i] = ((const uint32_t *)a.w)[i * a.at[1]];
}

/* Zeros from where *w pieces of at[1] bytes, a multiple of 16, behind at[0] end, up to at[2]. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_tail(const __grid_constant__ cu_args a) {
    int64_t from = a.at[0] + (int64_t) * (const uint32_t *)a.w * a.at[1];
    int64_t step = (int64_t)gridDim.x * CU_PACK_THREADS * 16;
    from += ((int64_t)blockIdx.x * CU_PACK_THREADS + threadIdx.x) * 16;
    for (; from < a.at[2]; from += step) *(uint4 *)((char *)a.y + from) = {0, 0, 0, 0};
}
