/* The inner loops of the ceiling probes, one set an instruction set (cpu/probe_*.c).
 *
 * Arithmetic loops keep enough independent chains in registers to hide the latency of a multiply-
 * add on two ports (16 of them; 12 with AVX2, which has 16 registers), and touch no memory. */
#ifndef TARE_CPU_PROBE_H
#define TARE_CPU_PROBE_H

#include "cpu/cpu.h"

typedef struct probe_math {
    double (*run)(int64_t rounds); /* the result means nothing; using it keeps the loop alive */
    double ops;                    /* of one round, multiply and add counted apart */
} probe_math;

/* Reads every byte once, front to back: one stream. `bytes` is a multiple of 512. */
typedef uint64_t probe_read(const void *p, size_t bytes);

probe_read probe_read_c, probe_read_avx2, probe_read_avx512;
/* Puts every line out of all caches, of all cores. */
typedef void probe_flush(const void *p, size_t bytes);

probe_flush probe_flush_clflushopt;
extern const probe_math probe_f32_c, probe_f32_avx2, probe_f32_avx512;
/* Products of 16-bit pairs (pmaddwd), the fastest exact way without VNNI. */
extern const probe_math probe_i8_c, probe_i8_avx2, probe_i8_avx512;
extern const probe_math probe_i8_vnni;
extern const probe_math probe_bf16_bf16;

#endif
