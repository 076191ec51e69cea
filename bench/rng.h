/* Random numbers of our own, so that a seed means the same data on every machine and libc:
 * xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * seeded through splitmix64 (Steele, Lea and Flood, 2014). */
#ifndef TARE_BENCH_RNG_H
#define TARE_BENCH_RNG_H

#include <stdint.h>

typedef struct bench_rng {
    uint64_t s[4];
} bench_rng;

/* `stream` separates sequences of one seed: a row of a matrix, a contestant, a round. */
void bench_rng_seed(bench_rng *r, uint64_t seed, uint64_t stream);
uint64_t bench_rng_next(bench_rng *r);
double bench_rng_uniform(bench_rng *r);                 /* (0, 1), 53 bits */
uint64_t bench_rng_below(bench_rng *r, uint64_t bound); /* 0..bound-1, bound > 0, unbiased */
/* Two independent standard normals, never zero (Box and Muller, in floats). */
void bench_rng_normal2(bench_rng *r, float out[2]);
double bench_rng_normal(bench_rng *r);

#endif
