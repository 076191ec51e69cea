/* What the files of the CPU backend share: feature bits, the rows, and the split of work. */
#ifndef TARE_CPU_H
#define TARE_CPU_H

#include "src/internal.h"

/* Feature bits a row may need. A bit stands for all that its suffix compiles for (cpu/isa.cmake),
 * so _vnni rows need CPU_VNNI and nothing else: the bits include one another. */
enum {
    CPU_AVX2 = 1 << 0,   /* AVX2, FMA, F16C, BMI1/2, POPCNT */
    CPU_AVX512 = 1 << 1, /* AVX2 bit + AVX-512 F BW DQ VL */
    CPU_VNNI = 1 << 2,   /* AVX512 bit + AVX512-VNNI */
    CPU_BF16 = 1 << 3,   /* AVX512 bit + AVX512-BF16 */
    CPU_VBMI2 = 1 << 4,  /* VNNI bit + AVX512-VBMI, -VBMI2 */
};

/* Libraries that rows may need: no feature of the processor, so that no mask reaches them. */
enum { CPU_OPENBLAS_BIT = 32, CPU_ONEDNN_BIT, CPU_ONEDNN_BF16_BIT, CPU_ONEDNN_I8_BIT };
#define CPU_OPENBLAS (UINT64_C(1) << CPU_OPENBLAS_BIT)
#define CPU_ONEDNN (UINT64_C(1) << CPU_ONEDNN_BIT)
#define CPU_ONEDNN_BF16 (UINT64_C(1) << CPU_ONEDNN_BF16_BIT) /* on this processor it has those */
#define CPU_ONEDNN_I8 (UINT64_C(1) << CPU_ONEDNN_I8_BIT)     /* products, and they are exact */
#define CPU_LIBRARIES (CPU_OPENBLAS | CPU_ONEDNN | CPU_ONEDNN_BF16 | CPU_ONEDNN_I8)
/* cpu/runtime.c: opens them; those that can be used. */
uint64_t cpu_libraries(void);

/* Detected features, lowered by TARE_CPU_MASK. Read once. */
uint64_t cpu_features(void);
/* cpu/mask.c: "0x7", "avx512,bf16" (each with what it stands on), "portable"; 0: none of these.
 * What is wrong with the mask in the environment; null: nothing. */
int cpu_mask_parse(const char *text, uint64_t *mask);
const char *cpu_mask_error(void);
/* f32 operations a cycle and core of the widest vectors that cpu_features() allows: those that the
 * f32 ceiling is measured with, and that a row of narrower ones falls short of. */
int cpu_f32_ops(void);
/* Null: no such bit. Of a library: why it can't be used, "no OpenBLAS: ...". */
const char *cpu_feature_name(int bit);
void cpu_feature_names(uint64_t features, char *out, size_t size);

/* Rates of an unmeasured machine, from its features and threads: order of magnitude only. */
void cpu_estimate_rates(uint64_t features, tare_rates *out);

/* cpu/runtime.c: the vendor libraries with versions, "OpenBLAS 0.3.21 ...". */
void cpu_runtime(char *out, size_t size);

/* cpu/probe.c */
tare_status cpu_probe(void *state, tare_probe_kind what, double seconds, double *rate);

/* cpu/rows.c: the ordered table. */
extern const tare_kernel *const cpu_rows[];

static inline int64_t cpu_ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}
static inline size_t cpu_round_up(size_t a, size_t b) {
    return (a + b - 1) / b * b;
}

#endif
