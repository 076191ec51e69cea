/* Any other processor, AArch64 first: what the compiler makes of portable C for it. */
#include "cpu/family.h"

static const cpu_feature features[] = {{0}};

static uint64_t detect(void) {
    return 0;
}

static int f32_ops(uint64_t f) {
    (void)f;
    return 8;
}

static double i8_rate(uint64_t f) {
    (void)f;
    return 1;
}

static double bf16_rate(uint64_t f) {
    (void)f;
    return 0;
}

static cpu_loops loops(uint64_t f) {
    (void)f;
    return (cpu_loops){&probe_f32_c, &probe_i8_c, NULL, probe_read_c};
}

/* AArch64 has `dc civac`, but what of the caches beyond a core's cluster it empties depends on the
 * system around, and there was none to try it on. */
static probe_flush *flush(void) {
    return NULL;
}

static xquant_rows *xquant_of(uint64_t f) {
    (void)f;
    return xquant_c;
}

/* Arm's kernel gives numbers instead of a model's name. */
static const char *const name[] = {"CPU implementer", "CPU part", NULL};

const cpu_family cpu_family_here = {
    .features = features,
    .detect = detect,
    .f32_ops = f32_ops,
    .i8_rate = i8_rate,
    .bf16_rate = bf16_rate,
    .loops = loops,
    .flush = flush,
    .xquant = xquant_of,
    .mask_error = "TARE_CPU_MASK is neither a number nor portable, the only kernels that there are "
                  "for this processor",
    .name = name,
};
