/* Small floats and the tensor core's products, for the emulator. */
#include "ptx_emu.h"

float emu_half_to_float(uint16_t h) {
    float v = cu_uint_as_float((uint32_t)(h & 0x7fff) << 13) * 0x1p112f;
    if ((h & 0x7c00) == 0x7c00) v = h & 0x3ff ? NAN : INFINITY;
    return h & 0x8000 ? -v : v;
}

/* Nearest even: to the grid of halves first, which is exact in double. */
uint16_t emu_float_to_half(float f) {
    uint16_t sign = (uint16_t)(cu_float_as_uint(f) >> 16 & 0x8000);
    float a = fabsf(f);
    if (isnan(f)) return (uint16_t)(sign | 0x7fff);
    if (a >= 65520.0f) return (uint16_t)(sign | 0x7c00);
    int e = a < 0x1p-14f ? -24 : ilogbf(a) - 10;
    double q = rint(ldexp((double)a, -e));
    if (e == -24) return (uint16_t)(sign | (uint16_t)q);
    return (uint16_t)(sign | (uint16_t)(((e + 24) << 10) + (int)q));
}

uint16_t emu_float_to_bf16(float f) {
    uint32_t u = cu_float_as_uint(f);
    if (isnan(f)) return (uint16_t)(u >> 16 | 64);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* Products are exact and their sum is rounded once: at least as good as the device's. Each lane
 * leaves its operands as floats, a's low and high halves first. */
void emu_mma_16(float d[4], const uint32_t a[4], const uint32_t b[2], int bf16) {
    uint32_t own[EMU_WORDS];
    for (int i = 0; i < 12; i++) {
        uint16_t h = (uint16_t)((i < 8 ? a[i / 2] : b[i / 2 - 4]) >> i % 2 * 16);
        own[i] = cu_float_as_uint(bf16 ? cu_bf16_to_float(h) : emu_half_to_float(h));
    }
    const uint32_t *all = emu_exchange(bf16 ? "mma.bf16" : "mma.f16", own, 12);
    int lane = emu_lane(), g = lane / 4, t = lane % 4;
    for (int o = 0; o < 4; o++) {
        int high = o / 2, column = 2 * t + o % 2;
        double sum = d[o];
        for (int k = 0; k < 16; k++) {
            int from = k % 8 / 2, half = k / 8;
            const uint32_t *x = all + (g * 4 + from) * EMU_WORDS + 2 * (half * 2 + high);
            const uint32_t *w = all + (column * 4 + from) * EMU_WORDS + 8 + 2 * half;
            sum += (double)cu_uint_as_float(x[k % 2]) * cu_uint_as_float(w[k % 2]);
        }
        d[o] = (float)sum;
    }
}

void emu_mma_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[2]) {
    uint32_t own[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const uint32_t *all = emu_exchange("mma.s8", own, 6);
    int lane = emu_lane(), g = lane / 4, t = lane % 4;
    for (int o = 0; o < 4; o++) {
        int high = o / 2, column = 2 * t + o % 2;
        for (int k = 0; k < 32; k++) {
            int from = k % 16 / 4, half = k / 16;
            uint32_t x = all[(g * 4 + from) * EMU_WORDS + half * 2 + high];
            uint32_t w = all[(column * 4 + from) * EMU_WORDS + 4 + half];
            d[o] += (int8_t)(x >> k % 4 * 8) * (int8_t)(w >> k % 4 * 8);
        }
    }
}
