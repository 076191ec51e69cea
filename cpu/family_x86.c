/* x86-64: from baseline, where the portable rows run, to AVX-512. */
#include "cpu/family.h"

#include <cpuid.h>
#include <emmintrin.h>

static const cpu_feature features[] = {
    {"avx2", CPU_AVX2},
    {"avx512", CPU_AVX2 | CPU_AVX512},
    {"vnni", CPU_AVX2 | CPU_AVX512 | CPU_VNNI},
    {"bf16", CPU_AVX2 | CPU_AVX512 | CPU_BF16},
    {"vbmi2", CPU_AVX2 | CPU_AVX512 | CPU_VNNI | CPU_VBMI2},
    {0},
};

static uint64_t detect(void) {
    uint64_t f = 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("popcnt"))
        f |= CPU_AVX2; /* every processor with AVX2 has F16C */
    if ((f & CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        f |= CPU_AVX512;
    if ((f & CPU_AVX512) && __builtin_cpu_supports("avx512vnni")) f |= CPU_VNNI;
    if ((f & CPU_AVX512) && __builtin_cpu_supports("avx512bf16")) f |= CPU_BF16;
    if ((f & CPU_VNNI) && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2"))
        f |= CPU_VBMI2;
    return f;
}

static int f32_ops(uint64_t f) {
    return f & CPU_AVX512 ? 64 : f & CPU_AVX2 ? 32 : 8;
}

static double i8_rate(uint64_t f) {
    return f & CPU_VNNI ? 4 : 1;
}

static double bf16_rate(uint64_t f) {
    return f & CPU_BF16 ? 1.5 : 0;
}

static cpu_loops loops(uint64_t f) {
    cpu_loops l = {&probe_f32_c, &probe_i8_c, NULL, probe_read_c};
    if (f & CPU_AVX2) l = (cpu_loops){&probe_f32_avx2, &probe_i8_avx2, NULL, probe_read_avx2};
    if (f & CPU_AVX512)
        l = (cpu_loops){&probe_f32_avx512, &probe_i8_avx512, NULL, probe_read_avx512};
    if (f & CPU_VNNI) l.i8 = &probe_i8_vnni;
    if (f & CPU_BF16) l.bf16 = &probe_bf16_bf16;
    return l;
}

static void flush_in_order(const void *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) _mm_clflush((const char *)p + i);
    _mm_mfence();
}

/* clflush is part of the baseline, and takes line after line; from Skylake and Zen on there is one
 * that does not wait. No feature of a row: no mask reaches it. */
static probe_flush *flush(void) {
    unsigned a, b = 0, c, d;
    int opt = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_CLFLUSHOPT);
    return opt ? probe_flush_clflushopt : flush_in_order;
}

static xquant_rows *xquant_of(uint64_t f) {
    return f & CPU_VNNI ? xquant_vnni : xquant_c;
}

static const char *const name[] = {"model name", NULL};

const cpu_family cpu_family_here = {
    .features = features,
    .detect = detect,
    .f32_ops = f32_ops,
    .i8_rate = i8_rate,
    .bf16_rate = bf16_rate,
    .loops = loops,
    .flush = flush,
    .xquant = xquant_of,
    .mask_error = "TARE_CPU_MASK is neither a number (0: portable kernels only; bits 1 "
                  "avx2, 2 avx512, 4 vnni, 8 bf16, 16 vbmi2) nor names of these, "
                  "avx512,bf16, nor portable",
    .name = name,
};
