/* xoshiro256** and the few distributions that data and bootstrap need. */
#include "bench/rng.h"

#include <math.h>

static uint64_t splitmix(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

void bench_rng_seed(bench_rng *r, uint64_t seed, uint64_t stream) {
    uint64_t state = seed;
    /* The stream is scrambled first: seeds and streams are small neighbours in practice. */
    state ^= splitmix(&stream);
    for (int i = 0; i < 4; i++) r->s[i] = splitmix(&state);
}

uint64_t bench_rng_next(bench_rng *r) {
    uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double bench_rng_uniform(bench_rng *r) {
    return ((double)(bench_rng_next(r) >> 12) + 0.5) * 0x1p-52;
}

uint64_t bench_rng_below(bench_rng *r, uint64_t bound) {
    /* Values below 2^64 mod bound would favour small results. */
    uint64_t least = -bound % bound, v;
    do v = bench_rng_next(r);
    while (v < least);
    return v % bound;
}

void bench_rng_normal2(bench_rng *r, float out[2]) {
    uint64_t bits = bench_rng_next(r);
    /* (i + 1/2) / 2^24 in both: the logarithm is finite, and no angle has a zero sine or cosine
     * that a float could hit. */
    float u = ((float)(bits >> 40) + 0.5f) * 0x1p-24f;
    float v = ((float)((bits >> 8) & 0xffffff) + 0.5f) * 0x1p-24f;
    if (!(u < 1)) u = 1 - 0x1p-24f; /* 2^24 - 1/2 rounds up */
    float radius = sqrtf(-2 * logf(u)), s, c;
    sincosf(6.28318531f * v, &s, &c);
    out[0] = radius * c;
    out[1] = radius * s;
    if (out[0] == 0) out[0] = 0x1p-24f;
    if (out[1] == 0) out[1] = 0x1p-24f;
}

double bench_rng_normal(bench_rng *r) {
    double u = bench_rng_uniform(r), v = bench_rng_uniform(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}
