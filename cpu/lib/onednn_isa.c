/* Which instructions oneDNN may use, as functions of what is known: no library is called here. */
#include "cpu/lib/onednn.h"

#include <strings.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const struct {
    const char *name; /* as ONEDNN_MAX_CPU_ISA spells it, in either case */
    int in_2, in_3;   /* 0: it does not know it */
    int amx;
} known[] = {{"sse41", ONEDNN_SSE41, ONEDNN_SSE41, 0},
             {"avx", ONEDNN_AVX, ONEDNN_AVX, 0},
             {"avx2", ONEDNN_AVX2, ONEDNN_AVX2, 0},
             {"avx2_vnni", ONEDNN_AVX2_VNNI_2X, ONEDNN_AVX2_VNNI, 0},
             {"avx2_vnni_2", 0, ONEDNN_AVX2_VNNI_2, 0},
             {"avx512_core", ONEDNN_AVX512, ONEDNN_AVX512, 0},
             {"avx512_core_vnni", ONEDNN_AVX512_VNNI, ONEDNN_AVX512_VNNI, 0},
             {"avx512_core_bf16", ONEDNN_AVX512_BF16, ONEDNN_AVX512_BF16, 0},
             {"avx512_core_fp16", ONEDNN_AVX512_FP16_2X, ONEDNN_AVX512_FP16, 0},
             {"avx512_core_amx", ONEDNN_AVX512_AMX_2X, ONEDNN_AVX512_AMX, 1},
             {"avx512_core_amx_fp16", 0, ONEDNN_AVX512_AMX_FP16, 1},
             {"avx10_2", 0, ONEDNN_AVX10_2, 0},
             {"avx10_2_amx_2", 0, ONEDNN_AVX10_2_AMX_2, 1}};
enum { KNOWN = sizeof known / sizeof *known };

/* What the library does not know it takes for "all": 2.6 does so with avx512_core_fp16. */
int onednn_isa_lowered(int major, int has_amx, const char *most) {
    if (major != 2 || !has_amx) return 0;
    for (int i = 0; most && i < KNOWN; i++)
        if (strcasecmp(most, known[i].name) == 0 && known[i].in_2 && !known[i].amx)
            return known[i].in_2 == ONEDNN_AVX512_FP16_2X;
    return 1;
}

int onednn_isa_unsafe(int major, int has_amx, int effective) {
    if (major != 2 || !has_amx) return 0;
    for (int i = 0; i < KNOWN; i++)
        if (known[i].in_2 == effective && effective && !known[i].amx) return 0;
    return 1;
}

const char *onednn_isa_name(int major, int isa) {
    for (int i = 0; i < KNOWN; i++)
        if (isa && (major == 2 ? known[i].in_2 : known[i].in_3) == isa) return known[i].name;
    return "other instructions";
}

int onednn_isa_exact_i8(int major, int isa) {
    int narrow = major == 2 ? ONEDNN_AVX2_VNNI_2X : ONEDNN_AVX2_VNNI;
    int bits = (ONEDNN_AVX512_VNNI & ~ONEDNN_AVX512) | (narrow & ~ONEDNN_AVX2);
    return (isa & bits) != 0;
}

int onednn_has_amx(void) {
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) return d >> 24 & 1; /* its tiles */
#endif
    return 0;
}
