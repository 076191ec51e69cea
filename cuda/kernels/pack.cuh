/* What the kernels that pack share: runs of W, values as bits of their type to the bit as
 * src/format codes them, scales and zero points (src/format/quant.c), and who does what. */
#ifndef TARE_CUDA_PACK_CUH
#define TARE_CUDA_PACK_CUH

#include "cuda/kernels/finish.cuh"
#include "cuda/pack_args.h"

enum { CU_PACK_THREADS = 32 * CU_PACK_WARPS };

CU_DEV int64_t cu_warp_of_grid() {
    return (int64_t)blockIdx.x * CU_PACK_WARPS + threadIdx.x / 32;
}
CU_DEV cu_pack_state *cu_state_of(const cu_args &a) {
    return (cu_pack_state *)a.extra;
}
CU_DEV cu_extremes *cu_extremes_of(const cu_args &a) {
    return (cu_extremes *)a.aux;
}
/* Whether W has another number of values than there is room for. */
CU_DEV int cu_unexpected(const cu_args &a) {
    int64_t want = a.at[CU_PACK_EXPECT];
    return want >= 0 && cu_state_of(a)->nnz != (unsigned long long)want;
}

/* N neighbours of a row, from a multiple of 4 on; 0 past W's end. */
template <int N>
CU_DEV void cu_load_run(const cu_args &a, int64_t row, int64_t column, float v[N]) {
    const float *w = (const float *)a.x;
    if (row < a.n && column + N <= a.k && a.k % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            uint4 u = cu_ldg16(w + row * a.k + column + i);
            v[i] = cu_uint_as_float(u.x);
            v[i + 1] = cu_uint_as_float(u.y);
            v[i + 2] = cu_uint_as_float(u.z);
            v[i + 3] = cu_uint_as_float(u.w);
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < N; i++)
        v[i] = row < a.n && column + i < a.k ? w[row * a.k + column + i] : 0.0f;
}

CU_DEV uint32_t cu_magnitude(float v) {
    return cu_float_as_uint(v) & 0x7fffffffu;
}
CU_DEV int cu_is_finite(float v) {
    return cu_magnitude(v) < 0x7f800000u;
}
CU_DEV void cu_note_bad_at(cu_pack_state *s, int64_t index) {
    s->bad = 1;
    atomicMax(&s->bad_at, ~(unsigned long long)index);
}

/* ---- sums and greatest over a warp ---- */

CU_DEV uint32_t cu_warp_sum(uint32_t v) {
#pragma unroll
    for (int by = 16; by; by /= 2) v += cu_shfl_xor(v, by);
    return v;
}
CU_DEV uint32_t cu_max(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}
/* Over LANES neighbouring lanes. */
template <int LANES> CU_DEV uint32_t cu_lanes_max(uint32_t v) {
#pragma unroll
    for (int by = LANES / 2; by; by /= 2) v = cu_max(v, cu_shfl_xor(v, by));
    return v;
}
/* Of the lanes before. */
CU_DEV uint32_t cu_warp_before(uint32_t v, int lane) {
    uint32_t sum = v;
#pragma unroll
    for (int by = 1; by < 32; by *= 2) {
        uint32_t other = cu_shfl_up(sum, by);
        if (lane >= by) sum += other;
    }
    return sum - v;
}

/* ---- scales ---- */

CU_DEV void cu_extend(cu_extremes &e, float v) {
    uint32_t bits = cu_float_as_uint(v);
    if (bits >> 31)
        e.low = cu_max(e.low, bits & 0x7fffffffu);
    else
        e.high = cu_max(e.high, bits);
}

struct cu_scale {
    float value;
    int zero; /* in the units of the stored integer: i8 signed, i4 0..15 */
};

CU_DEV int cu_decodes(float scale, int reach) {
    return cu_is_finite(cu_fmul_rn(scale, (float)reach));
}

/* The least half at or above v, but 0. */
CU_DEV uint16_t cu_half_above(float v) {
    uint16_t h = cu_float_to_half(v);
    if (cu_half_to_float(h) < v) h++;
    return h ? h : 1;
}

/* half: scales are f16; what does not fit sets bad. */
CU_DEV cu_scale cu_scale_of(cu_extremes e, int i4, int wide, int half, uint32_t &bad) {
    int least = i4 ? 0 : -128, most = i4 ? 15 : 127, limit = i4 ? 7 : 127;
    double high = cu_uint_as_float(e.high), low = cu_uint_as_float(e.low);
    double s =
        wide ? cu_ddiv_rn(high + low, most - least) : cu_ddiv_rn(high > low ? high : low, limit);
    cu_scale r = {0, i4 ? 8 : 0};
    if (!(s > 0)) s = 1;
    if (s > (half ? 65504.0 : 3.4028234663852886e38)) bad = 1;
    r.value = (float)s;
    if (half)
        r.value = cu_half_to_float(cu_half_above(r.value));
    else if (!(r.value >= 0x1p-126f))
        r.value = 0x1p-126f;
    if (!wide && !cu_decodes(r.value, limit))
        r.value = cu_uint_as_float(cu_float_as_uint(r.value) - 1);
    if (!wide) return r;
    r.zero = least + (int)cu_rint(cu_ddiv_rn(low, (double)r.value));
    if (r.zero > most) r.zero = most;
    int down = r.zero - least, up = most - r.zero;
    if (!cu_decodes(r.value, down > up ? down : up)) bad = 1;
    return r;
}

/* ---- values ---- */

CU_DEV int cu_code_of(float v, const cu_scale &s, int least, int most) {
    float q = cu_fadd_rn(cu_rintf(cu_fdiv_rn(v, s.value)), (float)s.zero);
    return !(q > (float)least) ? least : q > (float)most ? most : (int)q;
}

/* Of a float type, or of symmetric i8; what does not fit sets bad. */
CU_DEV uint32_t cu_bits_of(float v, int type, float scale, uint32_t &bad) {
    if (!cu_is_finite(v)) bad = 1;
    if (type == CU_F32) return cu_float_as_uint(v);
    if (type == CU_I8) return (uint32_t)cu_code_of(v, {scale, 0}, -127, 127) & 255u;
    uint32_t h = type == CU_F16 ? cu_float_to_half(v) : cu_float_to_bf16(v);
    uint32_t infinite = type == CU_F16 ? 0x7c00u : 0x7f80u;
    if ((h & infinite) == infinite) bad = 1;
    return h;
}

CU_DEV void cu_put_bits(void *values, int64_t i, int type, uint32_t bits) {
    if (type == CU_F32)
        ((uint32_t *)values)[i] = bits;
    else if (type == CU_I8)
        ((uint8_t *)values)[i] = (uint8_t)bits;
    else
        ((uint16_t *)values)[i] = (uint16_t)bits;
}

#endif
