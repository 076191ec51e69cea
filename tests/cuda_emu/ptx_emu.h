/* The words of CUDA C and of cuda/kernels/ptx.cuh for the emulator: kernels compile as C++ for the
 * CPU. The threads of a block are fibers that take turns (emu.cc); whatever needs all lanes of a
 * warp leaves its operands where the others find them and waits for them. */
#ifndef TARE_PTX_EMU_H
#define TARE_PTX_EMU_H

#include "cuda/layout/f8.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static /* blocks run one after another */
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict
#define CU_DEV static inline
#define CU_SHARED(name) unsigned char *name = emu_dynamic_shared

struct uint2 {
    uint32_t x, y;
};
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};
struct emu_dim {
    unsigned x, y, z;
};
extern emu_dim threadIdx, blockIdx, blockDim, gridDim;
extern unsigned char *emu_dynamic_shared;

/* ---- emu.cc ---- */

enum { EMU_WORDS = 12 };
void emu_block_barrier();
/* Leaves `words` operands for the warp and returns once all 32 lanes have: lane i's are at
 * [i * EMU_WORDS], valid until this lane's next such call. `what` must be the same in all lanes. */
const uint32_t *emu_exchange(const char *what, const uint32_t *operands, int words);
void emu_copy_later(void *to, const void *from, int valid, int size = 16);
void emu_copies_commit();
void emu_copies_wait(int leave);
int emu_lane();

static inline void __syncthreads() {
    emu_block_barrier();
}
static inline void __syncwarp() {
    emu_exchange("syncwarp", nullptr, 0);
}
static inline void __threadfence() {}
template <class T> static inline T atomicAdd(T *p, T v) {
    T old = *p;
    *p = old + v;
    return old;
}
template <class T> static inline T atomicMax(T *p, T v) {
    T old = *p;
    if (v > old) *p = v;
    return old;
}

CU_DEV float cu_uint_as_float(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
CU_DEV uint32_t cu_float_as_uint(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

template <class P> CU_DEV void cu_keep(P *&) {}

/* ---- warps ---- */

CU_DEV uint32_t cu_shfl(uint32_t v, int lane) {
    return emu_exchange("shfl", &v, 1)[(lane & 31) * EMU_WORDS];
}
CU_DEV uint32_t cu_shfl_xor(uint32_t v, int mask) {
    return emu_exchange("shfl_xor", &v, 1)[((emu_lane() ^ mask) & 31) * EMU_WORDS];
}
CU_DEV uint32_t cu_shfl_up(uint32_t v, int by) {
    int from = emu_lane() - by;
    return emu_exchange("shfl_up", &v, 1)[(from < 0 ? emu_lane() : from) * EMU_WORDS];
}
CU_DEV float cu_shfl_xor_f(float v, int mask) {
    return cu_uint_as_float(cu_shfl_xor(cu_float_as_uint(v), mask));
}
CU_DEV double cu_shfl_xor_d(double v, int mask) {
    uint32_t words[2];
    memcpy(words, &v, 8);
    memcpy(&v, emu_exchange("shfl_xor_d", words, 2) + ((emu_lane() ^ mask) & 31) * EMU_WORDS, 8);
    return v;
}
CU_DEV uint32_t cu_ballot(int p) {
    uint32_t v = p != 0, all = 0;
    const uint32_t *in = emu_exchange("ballot", &v, 1);
    for (int i = 0; i < 32; i++) all |= in[i * EMU_WORDS] << i;
    return all;
}

/* ---- tensor cores ---- */

float emu_half_to_float(uint16_t h);
uint16_t emu_float_to_half(float f);
uint16_t emu_float_to_bf16(float f);
void emu_mma_16(float d[4], const uint32_t a[4], const uint32_t b[2], int bf16);
void emu_mma_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[2]);
void emu_mma_sp_16(float d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e, int pair,
                   int bf16);
void emu_mma_sp_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e);

CU_DEV void cu_mma_f16(float d[4], const uint32_t a[4], const uint32_t b[2]) {
    emu_mma_16(d, a, b, 0);
}
CU_DEV void cu_mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2]) {
    emu_mma_16(d, a, b, 1);
}
CU_DEV void cu_mma_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[2]) {
    emu_mma_s8(d, a, b);
}
template <int PAIR>
CU_DEV void cu_mma_sp_f16(float d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    emu_mma_sp_16(d, a, b, e, PAIR, 0);
}
template <int PAIR>
CU_DEV void cu_mma_sp_bf16(float d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    emu_mma_sp_16(d, a, b, e, PAIR, 1);
}
CU_DEV void cu_mma_sp_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    emu_mma_sp_s8(d, a, b, e);
}

/* ---- memory: misaligned addresses fault as on the device ---- */

void emu_aligned(const void *p, int bytes);
CU_DEV uint4 cu_ldg_stream(const void *p) {
    uint4 v;
    emu_aligned(p, 16);
    memcpy(&v, p, 16);
    return v;
}
CU_DEV uint4 cu_ldg16(const void *p) {
    return cu_ldg_stream(p);
}
CU_DEV uint2 cu_ldg8(const void *p) {
    uint2 v;
    emu_aligned(p, 8);
    memcpy(&v, p, 8);
    return v;
}
CU_DEV uint32_t cu_ldg_stream4(const void *p) {
    uint32_t v;
    emu_aligned(p, 4);
    memcpy(&v, p, 4);
    return v;
}
CU_DEV uint32_t cu_ldg4(const void *p) {
    return cu_ldg_stream4(p);
}
CU_DEV uint32_t cu_ldcg4(const void *p) {
    return cu_ldg_stream4(p);
}
CU_DEV void cu_cp_async16(void *shared, const void *global, int valid) {
    emu_aligned(shared, 16);
    emu_aligned(global, 16);
    emu_copy_later(shared, global, valid);
}
CU_DEV void cu_cp_async16_stream(void *shared, const void *global) {
    cu_cp_async16(shared, global, 16);
}
CU_DEV void cu_cp_async4(void *shared, const void *global) {
    emu_aligned(shared, 4);
    emu_aligned(global, 4);
    emu_copy_later(shared, global, 4, 4);
}
CU_DEV void cu_cp_async_commit() {
    emu_copies_commit();
}
template <int N> CU_DEV void cu_cp_async_wait() {
    emu_copies_wait(N);
}

/* ---- bits and numbers ---- */

template <int LUT> CU_DEV uint32_t cu_lop3(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t d = 0;
    for (int i = 0; i < 8; i++)
        if (LUT >> i & 1) d |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return d;
}
CU_DEV uint32_t cu_prmt(uint32_t a, uint32_t b, uint32_t s) {
    uint64_t all = (uint64_t)b << 32 | a;
    uint32_t d = 0;
    for (int i = 0; i < 4; i++) { /* from 8 on a selector means eight times the byte's sign */
        uint8_t byte = (uint8_t)(all >> (s >> 4 * i & 7) * 8);
        if (s >> 4 * i & 8) byte = byte & 128 ? 255 : 0;
        d |= (uint32_t)byte << 8 * i;
    }
    return d;
}
CU_DEV int cu_popc(uint32_t v) {
    return __builtin_popcount(v);
}
CU_DEV float cu_half_to_float(uint16_t h) {
    return emu_half_to_float(h);
}
CU_DEV uint16_t cu_float_to_half(float f) {
    return emu_float_to_half(f);
}
CU_DEV uint16_t cu_float_to_bf16(float f) {
    return emu_float_to_bf16(f);
}
CU_DEV float cu_bf16_to_float(uint16_t h) {
    return cu_uint_as_float((uint32_t)h << 16);
}
/* A float holds the exact product of two halves; its sum with a third is rounded twice here, which
 * for the small integers that kernels compute this way changes nothing. */
CU_DEV uint32_t cu_h2fma(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t d = 0;
    for (int s = 0; s < 32; s += 16)
        d |= (uint32_t)emu_float_to_half((float)((double)emu_half_to_float((uint16_t)(a >> s)) *
                                                     emu_half_to_float((uint16_t)(b >> s)) +
                                                 emu_half_to_float((uint16_t)(c >> s))))
             << s;
    return d;
}
CU_DEV uint32_t cu_h2sub(uint32_t a, uint32_t b) {
    return cu_h2fma(b, 0xbc00bc00u, a); /* -1 b + a */
}
CU_DEV uint32_t cu_b2fma(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t d = 0;
    for (int s = 0; s < 32; s += 16)
        d |= (uint32_t)emu_float_to_bf16((float)((double)cu_bf16_to_float((uint16_t)(a >> s)) *
                                                     cu_bf16_to_float((uint16_t)(b >> s)) +
                                                 cu_bf16_to_float((uint16_t)(c >> s))))
             << s;
    return d;
}
/* As devices before 8.9 do it. */
CU_DEV uint32_t cu_e4m3_to_half(uint32_t w) {
    return cu_h2fma(cu_f8_to_halves(cu_prmt(w, 0, 0x1404)), CU_F8_HALVES, 0);
}
CU_DEV float cu_fdiv_rn(float a, float b) {
    return a / b;
}
CU_DEV float cu_fmul_rn(float a, float b) {
    return a * b;
}
CU_DEV float cu_fadd_rn(float a, float b) {
    return a + b;
}
CU_DEV float cu_fma(float a, float b, float c) {
    return fmaf(a, b, c);
}
CU_DEV float cu_rintf(float a) {
    return rintf(a);
}
/* A double holds the product; what it was rounded up by is one step of the float. */
CU_DEV float cu_fmul_rz(float a, float b) {
    double exact = (double)a * b;
    float f = (float)exact;
    return fabs((double)f) > fabs(exact) ? nextafterf(f, 0) : f;
}
CU_DEV double cu_dadd_rn(double a, double b) {
    return a + b;
}
CU_DEV double cu_dmul_rn(double a, double b) {
    return a * b;
}
CU_DEV double cu_ddiv_rn(double a, double b) {
    return a / b;
}
CU_DEV double cu_dsqrt_rn(double a) {
    return sqrt(a);
}
CU_DEV double cu_rint(double a) {
    return rint(a);
}

#endif
