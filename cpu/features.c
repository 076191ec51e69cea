/* What this processor can do, as far as rows ask, and rough rates for the time before a
 * measurement. */
#include "cpu/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t detected;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
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
#else
static uint64_t detect(void) {
    return 0;
}
#endif

/* A mask may leave a bit whose base is gone; a row that needs the bit then runs on a processor that
 * has both, so the answer is right, but nobody means "AVX-512 without AVX2": drop it. */
static uint64_t closed(uint64_t f) {
    if (!(f & CPU_AVX2)) f &= ~(uint64_t)CPU_AVX512;
    if (!(f & CPU_AVX512)) f &= ~(uint64_t)(CPU_VNNI | CPU_BF16);
    if (!(f & CPU_VNNI)) f &= ~(uint64_t)CPU_VBMI2;
    return f;
}

static void init(void) {
    const char *text = getenv("TARE_CPU_MASK");
    uint64_t mask;
    detected = detect();
    if (text && *text && cpu_mask_parse(text, &mask)) detected &= mask;
    detected = closed(detected);
}

uint64_t cpu_features(void) {
    pthread_once(&once, init);
    return detected;
}

int cpu_f32_ops(void) {
    uint64_t f = cpu_features();
    return f & CPU_AVX512 ? 64 : f & CPU_AVX2 ? 32 : 8;
}

void cpu_feature_names(uint64_t f, char *out, size_t size) {
    size_t at = (size_t)snprintf(out, size, "%s", f ? "" : "portable");
    for (int bit = 0; cpu_feature_name(bit) && at < size; bit++)
        if (f >> bit & 1)
            at +=
                (size_t)snprintf(out + at, size - at, "%s%s", at ? " " : "", cpu_feature_name(bit));
}

void cpu_estimate_rates(uint64_t f, tare_rates *r) {
    double cores = tare_threads(), ghz = 2.5;
    *r = (tare_rates){.read_gbs = 16 * (cores < 8 ? cores : 8),
                      .cache_gbs = 40 * cores,
                      .f32_gflops = cores * ghz * cpu_f32_ops(),
                      .launch_ns = 2000};
    r->bf16_gflops = f & CPU_BF16 ? 1.5 * r->f32_gflops : 0;
    r->i8_gops = r->f32_gflops * (f & CPU_VNNI ? 4 : 1);
}
