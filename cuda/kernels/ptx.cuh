/* Every instruction and intrinsic that our kernels use beyond plain C, wrapped: once for the
 * device, and once for the emulator that tests run the same kernels in (tests/cuda_emu/ptx_emu.h).
 *
 * Halves and bf16 are bits in uint16_t, or two of them in uint32_t, the first in the low half.
 * Fragments are those of the PTX ISA, section "Matrix fragments for mma.m16n8k16": with g = lane /
 * 4 and t = lane % 4, A holds rows g and g + 8, B column g, D rows g and g + 8 at columns 2t, 2t
 * + 1. */
#ifndef TARE_CUDA_PTX_CUH
#define TARE_CUDA_PTX_CUH

#include "cuda/layout/f8.h"

#include <stdint.h>

#ifdef TARE_CUDA_EMU
#include "tests/cuda_emu/ptx_emu.h"
#else

#define CU_DEV static __device__ __forceinline__
/* The block's dynamic shared memory. */
#define CU_SHARED(name)                                                                            \
    extern __shared__ __align__(128) unsigned char cu_dynamic_shared[];                            \
    unsigned char *name = cu_dynamic_shared

/* Keeps an address whole in registers: the compiler would add its parts up again at each use. */
template <class P> CU_DEV void cu_keep(P *&p) {
    asm("" : "+l"(p));
}

/* ---- warps ---- */

CU_DEV uint32_t cu_shfl(uint32_t v, int lane) {
    return __shfl_sync(0xffffffffu, v, lane);
}
CU_DEV uint32_t cu_shfl_xor(uint32_t v, int mask) {
    return __shfl_xor_sync(0xffffffffu, v, mask);
}
CU_DEV uint32_t cu_shfl_up(uint32_t v, int by) {
    return __shfl_up_sync(0xffffffffu, v, by);
}
CU_DEV float cu_shfl_xor_f(float v, int mask) {
    return __shfl_xor_sync(0xffffffffu, v, mask);
}
CU_DEV double cu_shfl_xor_d(double v, int mask) {
    return __shfl_xor_sync(0xffffffffu, v, mask);
}
CU_DEV uint32_t cu_ballot(int p) {
    return __ballot_sync(0xffffffffu, p);
}

/* ---- tensor cores: d += a b, sums in f32 or int32 ---- */

CU_DEV void cu_mma_f16(float d[4], const uint32_t a[4], const uint32_t b[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
                 "{%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
CU_DEV void cu_mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
                 "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
CU_DEV void cu_mma_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[2]) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
                 "{%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* The same with A at two of four: a lane's values are those that its groups of four columns keep,
 * and `e` their places, two bits a value and the lower place first (PTX ISA 8.5, sections "Matrix
 * fragments for sparse mma.m16n8k32" of f16 and ".m16n8k64" of s8). 16-bit operands: 32 columns;
 * the lanes whose t / 2 is PAIR hold the places, t even of columns 0 .. 15, t odd of the rest, of
 * row g low and of row g + 8 high. Bytes: 64 columns; lane t holds the places of row g + 8 (t % 2),
 * of columns 32 (t / 2) on. Without ::ordered_metadata the assembler warns of slower machines. */
#define CU_MMA_SP_16(type)                                                                         \
    asm volatile("mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32." type "." type       \
                 ".f32 "                                                                           \
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9,%10,%11}, {%0,%1,%2,%3}, %12, %13;"         \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]),    \
                   "r"(b[3]), "r"(e), "n"(PAIR))
template <int PAIR>
CU_DEV void cu_mma_sp_f16(float d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    CU_MMA_SP_16("f16");
}
template <int PAIR>
CU_DEV void cu_mma_sp_bf16(float d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    CU_MMA_SP_16("bf16");
}
CU_DEV void cu_mma_sp_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    asm volatile("mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9,%10,%11}, {%0,%1,%2,%3}, %12, 0x0;"
                 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]),
                   "r"(b[3]), "r"(e));
}

/* ---- memory ---- */

/* First to leave L2: a hint that loads of 16 bytes take as an operand. Made once a thread. */
CU_DEV uint64_t cu_evict_first() {
    uint64_t policy;
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}
/* 16 or 4 bytes of what is read once: past L1, first to leave L2. */
CU_DEV uint4 cu_ldg_stream(const void *p) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::cache_hint.v4.u32 {%0,%1,%2,%3}, [%4], %5;"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p), "l"(cu_evict_first()));
    return v;
}
CU_DEV uint32_t cu_ldg_stream4(const void *p) {
    uint32_t v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::cache_hint.u32 %0, [%1], %2;"
                 : "=r"(v)
                 : "l"(p), "l"(cu_evict_first()));
    return v;
}
/* 16, 8 or 4 bytes of what other blocks read as well. */
CU_DEV uint4 cu_ldg16(const void *p) {
    return __ldg((const uint4 *)p);
}
CU_DEV uint2 cu_ldg8(const void *p) {
    return __ldg((const uint2 *)p);
}
CU_DEV uint32_t cu_ldg4(const void *p) {
    return __ldg((const unsigned int *)p);
}
/* A word that another block of this launch may have written: past L1. */
CU_DEV uint32_t cu_ldcg4(const void *p) {
    return __ldcg((const unsigned int *)p);
}
/* 16 bytes to shared memory behind the thread's back; of them `valid` from memory, the rest 0. */
CU_DEV void cu_cp_async16(void *shared, const void *global, int valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(shared)),
                 "l"(global), "r"(valid)
                 : "memory");
}
/* Of what is read once: first to leave L2. */
CU_DEV void cu_cp_async16_stream(void *shared, const void *global) {
    asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(shared)),
                 "l"(global), "l"(cu_evict_first())
                 : "memory");
}
CU_DEV void cu_cp_async4(void *shared, const void *global) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(shared)),
                 "l"(global)
                 : "memory");
}
CU_DEV void cu_cp_async_commit() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}
/* Until at most N of the groups are under way; other threads' copies need a barrier as well. */
template <int N> CU_DEV void cu_cp_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

/* ---- bits and numbers ---- */

template <int LUT> CU_DEV uint32_t cu_lop3(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t d;
    asm("lop3.b32 %0, %1, %2, %3, %4;" : "=r"(d) : "r"(a), "r"(b), "r"(c), "n"(LUT));
    return d;
}
/* Bytes of b and a by the four lowest nibbles of s, each below 8; __byte_perm would mask them. */
CU_DEV uint32_t cu_prmt(uint32_t a, uint32_t b, uint32_t s) {
    uint32_t d;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(s));
    return d;
}
CU_DEV int cu_popc(uint32_t v) {
    return __popc(v);
}
CU_DEV uint32_t cu_h2sub(uint32_t a, uint32_t b) {
    uint32_t d;
    asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
    return d;
}
CU_DEV uint32_t cu_h2fma(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t d;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
/* bf16 has a fused multiply-add before it has a subtraction: a * b + c. */
CU_DEV uint32_t cu_b2fma(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t d;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
CU_DEV float cu_half_to_float(uint16_t h) {
    float f;
    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
    return f;
}
CU_DEV uint16_t cu_float_to_half(float f) {
    uint16_t h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
    return h;
}
CU_DEV uint16_t cu_float_to_bf16(float f) {
    uint16_t h;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h) : "f"(f));
    return h;
}
CU_DEV float cu_bf16_to_float(uint16_t h) {
    return __uint_as_float((uint32_t)h << 16);
}
/* The e4m3 in the two lower bytes of w as halves, exact: one instruction from 8.9 on. */
CU_DEV uint32_t cu_e4m3_to_half(uint32_t w) {
#if __CUDA_ARCH__ >= 890
    uint32_t d;
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(d) : "h"((uint16_t)w));
    return d;
#else
    return cu_h2fma(cu_f8_to_halves(cu_prmt(w, 0, 0x1404)), CU_F8_HALVES, 0);
#endif
}
CU_DEV float cu_uint_as_float(uint32_t u) {
    return __uint_as_float(u);
}
CU_DEV uint32_t cu_float_as_uint(float f) {
    return __float_as_uint(f);
}
/* Rounded once, to nearest even, whatever the compiler's options. */
CU_DEV float cu_fdiv_rn(float a, float b) {
    return __fdiv_rn(a, b);
}
CU_DEV float cu_fmul_rn(float a, float b) {
    return __fmul_rn(a, b);
}
CU_DEV float cu_fadd_rn(float a, float b) {
    return __fadd_rn(a, b);
}
CU_DEV float cu_fma(float a, float b, float c) {
    return __fmaf_rn(a, b, c);
}
CU_DEV float cu_rintf(float a) {
    return rintf(a);
}
/* Towards zero. */
CU_DEV float cu_fmul_rz(float a, float b) {
    return __fmul_rz(a, b);
}
CU_DEV double cu_dadd_rn(double a, double b) {
    return __dadd_rn(a, b);
}
CU_DEV double cu_dmul_rn(double a, double b) {
    return __dmul_rn(a, b);
}
CU_DEV double cu_ddiv_rn(double a, double b) {
    return __ddiv_rn(a, b);
}
CU_DEV double cu_dsqrt_rn(double a) {
    return __dsqrt_rn(a);
}
CU_DEV double cu_rint(double a) {
    return rint(a);
}

#endif
#endif
