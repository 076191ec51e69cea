/* Memory filled with numbers that no product can take short cuts with: random bits, of which a mask
 * keeps some and others are set, so that they are finite and not zero in the type at hand. For
 * measuring only. at[0]: pieces of 16 bytes. */
#include "cuda/args.h"
#include "cuda/kernels/ptx.cuh"

namespace {

enum { KEEP, SET };

CU_DEV uint32_t mixed(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    return h ^ h >> 16;
}

} // namespace

extern "C" __global__ void __launch_bounds__(256)
    cu_pattern(const __grid_constant__ cu_args a) {
    uint32_t keep = (uint32_t)a.i[KEEP], set = (uint32_t)a.i[SET];
    for (int64_t i = (int64_t)blockIdx.x * 256 + threadIdx.x; i < a.at[0];
         i += (int64_t)gridDim.x * 256) {
        uint32_t h = (uint32_t)i * 4;
        uint4 v;
        v.x = (mixed(h) & keep) | set;
        v.y = (mixed(h + 1) & keep) | set;
        v.z = (mixed(h + 2) & keep) | set;
        v.w = (mixed(h + 3) & keep) | set;
        ((uint4 *)a.y)[i] = v;
    }
}
