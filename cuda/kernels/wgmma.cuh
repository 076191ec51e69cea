/* Hopper's products of a warpgroup, D += A B in f32, and what orders them: for compute capability
 * 9.0 alone (PTX ISA 9.0, section 9.7.15: target sm_90a). Wrapped as ptx.cuh wraps the rest, with
 * the emulator's twin in tests/cuda_emu/wgmma.cc.
 *
 * A is 64 rows of 16, B is N columns of 16: both are rows of W or x, "K-major", in shared memory.
 * 128 threads do this together; warp w of them holds D's rows 16 w + g and 16 w + g + 8, a thread's
 * registers 4 j .. 4 j + 3 columns 8 j + 2 t and + 1 of the first, then of the second. */
#ifndef TARE_CUDA_WGMMA_CUH
#define TARE_CUDA_WGMMA_CUH

#include "cuda/kernels/ptx.cuh"

#if defined(TARE_CUDA_EMU) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define CU_HAS_WGMMA 1
#else
#define CU_HAS_WGMMA 0
#endif

#ifdef TARE_CUDA_EMU
#include "tests/cuda_emu/wgmma_emu.h"
#elif CU_HAS_WGMMA

/* An address in the block's window of shared memory, as descriptors hold it. */
CU_DEV uint32_t cu_shared_address(const void *p) {
    return (uint32_t)__cvta_generic_to_shared(p);
}
/* What this thread wrote to shared memory is there for the tensor cores to read; that of others
 * after a barrier. */
CU_DEV void cu_fence_proxy_async() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
/* Before products: of registers that the thread may have touched. */
CU_DEV void cu_wgmma_fence() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
CU_DEV void cu_wgmma_commit() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/* Until at most LEAVE groups of products are under way. */
template <int LEAVE> CU_DEV void cu_wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEAVE) : "memory");
}
/* After the last wait: the compiler reads the sums no earlier. */
template <int COUNT> CU_DEV void cu_wgmma_keep(float *d) {
#pragma unroll
    for (int i = 0; i < COUNT; i++) asm volatile("" : "+f"(d[i])::"memory");
}

#define CU_D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define CU_D16(i) CU_D4(i), CU_D4(i + 4), CU_D4(i + 8), CU_D4(i + 12)
#define CU_D64(i) CU_D16(i), CU_D16(i + 16), CU_D16(i + 32), CU_D16(i + 48)
#define CU_WGMMA_N128(type)                                                                        \
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type " "                  \
                 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21," \
                 "%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,"    \
                 "%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,"    \
                 "%60,%61,%62,%63}, "                                                              \
                 "%64, %65, 1, 1, 1, 0, 0;"                                                        \
                 : CU_D64(0)                                                                       \
                 : "l"(a), "l"(b))
#define CU_WGMMA_N256(type)                                                                        \
    asm volatile("wgmma.mma_async.sync.aligned.m64n256k16.f32." type "." type " "                  \
                 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21," \
                 "%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,"    \
                 "%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,"    \
                 "%60,%61,%62,%63,%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,"    \
                 "%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,"    \
                 "%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,"  \
                 "%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127}, "        \
                 "%128, %129, 1, 1, 1, 0, 0;"                                                      \
                 : CU_D64(0), CU_D64(64)                                                           \
                 : "l"(a), "l"(b))

/* N 128 or 256: queues d += A B for the N / 2 sums of a thread; a and b are descriptors. */
template <int N, int BF16> CU_DEV void cu_wgmma(float *d, uint64_t a, uint64_t b) {
    static_assert(N == 128 || N == 256, "instances of wgmma");
    if constexpr (N == 128 && BF16)
        CU_WGMMA_N128("bf16");
    else if constexpr (N == 128)
        CU_WGMMA_N128("f16");
    else if constexpr (BF16)
        CU_WGMMA_N256("bf16");
    else
        CU_WGMMA_N256("f16");
}

#endif

#if CU_HAS_WGMMA
/* The descriptor of rows of 128 bytes whose 16-byte pieces are swizzled (cu_slab_find): at
 * `address`, 8 rows each 1024 bytes; column 16 j begins 32 j bytes on. */
CU_DEV uint64_t cu_wgmma_rows(uint32_t address) {
    return (uint64_t)(address >> 4 & 0x3fff) | 1ull << 16 | (uint64_t)(1024 >> 4) << 32 |
           1ull << 62;
}
#endif

#endif
