/* Vectors of 4 floats in portable C with the compiler's vector extension; the operations of
 * vec_avx512.h. Tile 4 x 2 suits the 16 registers of baseline x86-64 and the 32 of AArch64. */
#ifndef TARE_CPU_VEC_H
#define TARE_CPU_VEC_H

#include "src/internal.h"

#include <string.h>

#define TILE_ROWS 4
enum { VL = 4, NV = 2, MR = TILE_ROWS, NR = NV * VL };
enum { VEC_OPS = 8 }; /* a cycle and core, as cpu_f32_ops() counts */
#define INLINE static inline __attribute__((always_inline))
typedef float vf __attribute__((vector_size(16)));
typedef uint32_t vi __attribute__((vector_size(16)));
typedef int32_t vs __attribute__((vector_size(16)));

static inline vf vf_zero(void) {
    return (vf){0};
}
static inline vf vf_set(float v) {
    return (vf){v, v, v, v};
}
static inline vf vf_load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vf_store(float *p, vf v) {
    memcpy(p, &v, sizeof v);
}
static inline vf vf_add(vf a, vf b) {
    return a + b;
}
static inline vf vf_sub(vf a, vf b) {
    return a - b;
}
static inline vf vf_mul(vf a, vf b) {
    return a * b;
}
/* b where one of them is NaN. */
static inline vf vf_max(vf a, vf b) {
    vs more = a > b;
    return (vf)(((vs)a & more) | ((vs)b & ~more));
}
static inline vf vf_fma(vf a, vf b, vf c) {
    return a * b + c;
}

static inline vf vf_gather(const float *x, const uint16_t *index) {
    return (vf){x[index[0]], x[index[1]], x[index[2]], x[index[3]]};
}

static inline vf vf_from_f16(const uint16_t *p) {
    return (vf){tare_f16_to_f32(p[0]), tare_f16_to_f32(p[1]), tare_f16_to_f32(p[2]),
                tare_f16_to_f32(p[3])};
}
static inline vf vf_from_bf16(const uint16_t *p) {
    return (vf)(vi){(uint32_t)p[0] << 16, (uint32_t)p[1] << 16, (uint32_t)p[2] << 16,
                    (uint32_t)p[3] << 16};
}
static inline vf vf_from_i8(const int8_t *p) {
    return __builtin_convertvector(((vs){p[0], p[1], p[2], p[3]}), vf);
}
static inline vf vf_from_u8(const uint8_t *p) {
    return __builtin_convertvector(((vs){p[0], p[1], p[2], p[3]}), vf);
}
static inline vf vf_from_f8(const uint8_t *p) {
    vi v = {p[0], p[1], p[2], p[3]};
    return (vf)((v & 0x80u) << 24 | (v & 0x7fu) << 20) * 0x1p112f;
}

static inline vi vi_load(const uint32_t *p) {
    vi v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline vf vf_nibble(vi v, int i, vf zero) {
    return __builtin_convertvector((vs)(v >> (uint32_t)(4 * i) & 15u), vf) - zero;
}
static inline vf vf_nibble8(vi v, int i) {
    return vf_nibble(v, i, vf_set(8));
}

static inline vf vf_expand(vf v, unsigned mask) {
    float in[4], out[4];
    int at = 0;
    vf_store(in, v);
    for (int i = 0; i < 4; i++) out[i] = mask >> i & 1 ? in[at++] : 0;
    return vf_load(out);
}

static inline void vf_put_f32(float *p, vf v, int64_t n) {
    memcpy(p, &v, (size_t)(n < VL ? n : VL) * sizeof *p);
}
static inline void vf_put_f16(uint16_t *p, vf v, int64_t n) {
    for (int i = 0; i < VL && i < n; i++) p[i] = tare_f32_to_f16(v[i]);
}
static inline void vf_put_bf16(uint16_t *p, vf v, int64_t n) {
    for (int i = 0; i < VL && i < n; i++) p[i] = tare_f32_to_bf16(v[i]);
}

#endif
