/* Probe loops in portable C: what the compiler makes of plain code on any processor. */
#include "cpu/probe.h"

typedef float v4 __attribute__((vector_size(16)));
typedef uint64_t u2 __attribute__((vector_size(16)));

enum { CHAINS = 12, PAIRS = 1024 };

uint64_t probe_read_c(const void *p, size_t bytes) {
    const u2 *v = p;
    u2 s[4] = {{0}};
    for (size_t i = 0; i < bytes / sizeof *v; i += 8)
        for (int j = 0; j < 4; j++) s[j] ^= v[i + j] ^ v[i + 4 + j];
    u2 t = s[0] ^ s[1] ^ s[2] ^ s[3];
    return t[0] ^ t[1];
}

static double f32(int64_t rounds) {
    v4 s[CHAINS], a = {0.9999f, 0.9998f, 0.9997f, 0.9996f}, b = {1e-4f, 1e-4f, 1e-4f, 1e-4f};
    for (int i = 0; i < CHAINS; i++) s[i] = b * (float)i;
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) s[i] = s[i] * a + b;
    v4 t = s[0];
    for (int i = 1; i < CHAINS; i++) t += s[i];
    return t[0] + t[1] + t[2] + t[3];
}

/* Two short arrays in the first cache level: a dot product as portable rows write it. */
static double i8(int64_t rounds) {
    static const int16_t a[PAIRS] = {1, 2, 3}, b[PAIRS] = {4, 5, 6};
    uint32_t sum = 0;
    for (int64_t r = 0; r < rounds; r++) {
        const int16_t *x = a, *w = b;
        __asm__ volatile("" : "+r"(x), "+r"(w)); /* the next round may find other values */
        int32_t s = 0;
        for (int i = 0; i < PAIRS; i++) s += x[i] * w[i];
        sum += (uint32_t)s;
    }
    return sum;
}

const probe_math probe_f32_c = {f32, CHAINS * 4 * 2};
const probe_math probe_i8_c = {i8, PAIRS * 2};
