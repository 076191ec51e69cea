/* What this processor can do, as far as rows ask, and rough rates for the time before a
 * measurement. */
#include "cpu/family.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t detected;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A mask may leave a bit whose base is gone; a row that needs the bit then runs on a processor that
 * has both, so the answer is right, but nobody means "AVX-512 without AVX2": drop it. */
static uint64_t closed(uint64_t f) {
    const cpu_feature *of = cpu_family_here.features;
    for (int bit = 0; of[bit].name; bit++)
        if (of[bit].whole & ~f) f &= ~((uint64_t)1 << bit);
    return f;
}

static void init(void) {
    const char *text = getenv("TARE_CPU_MASK");
    uint64_t mask;
    detected = cpu_family_here.detect();
    if (text && *text && cpu_mask_parse(text, &mask)) detected &= mask;
    detected = closed(detected);
}

uint64_t cpu_features(void) {
    pthread_once(&once, init);
    return detected;
}

int cpu_f32_ops(void) {
    return cpu_family_here.f32_ops(cpu_features());
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
    r->bf16_gflops = cpu_family_here.bf16_rate(f) * r->f32_gflops;
    r->i8_gops = cpu_family_here.i8_rate(f) * r->f32_gflops;
}
