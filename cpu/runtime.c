/* Which libraries work below the rows: part of every record's environment. */
#include "cpu/cpu.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#ifdef TARE_HAVE_OPENBLAS
#include <cblas.h>
#endif
#ifdef TARE_HAVE_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#endif

static void add(char *out, size_t size, const char *text) {
    size_t at = strlen(out);
    snprintf(out + at, size - at, "%s%s", at ? ", " : "", text);
}

#ifdef TARE_HAVE_OPENBLAS
static void openblas(char *out, size_t size) {
    static const char *const kind[] = {"one thread", "own threads", "OpenMP"};
    const char *config = openblas_get_config(); /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
    int version = (int)strcspn(config, " "), parallel = openblas_get_parallel();
    if (config[version]) version += 1 + (int)strcspn(config + version + 1, " ");
    char text[96];
    snprintf(text, sizeof text, "%.*s %s %s", version, config, openblas_get_corename(),
             parallel >= 0 && parallel <= 2 ? kind[parallel] : "?");
    add(out, size, text);
}
#endif

#ifdef TARE_HAVE_ONEDNN
static const char *isa_name(int isa) {
    switch (isa) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
        return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
        return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core_amx";
    default:
        return "isa";
    }
}

static void onednn(char *out, size_t size) {
    const dnnl_version_t *v = dnnl_version();
    char text[64];
    snprintf(text, sizeof text, "oneDNN %d.%d.%d %s", v->major, v->minor, v->patch,
             isa_name((int)dnnl_get_effective_cpu_isa()));
    add(out, size, text);
}
#endif

const char *cpu_openblas_core(void) {
#if defined(TARE_HAVE_OPENBLAS) && defined(__x86_64__)
    static const char *const sse[] = {"Prescott",  "Core2",  "Penryn",    "Dunnington",
                                      "Nehalem",   "Athlon", "Opteron",   "Opteron_SSE3",
                                      "Barcelona", "Nano",   "Northwood", "Katmai"};
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return NULL;
    int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    for (size_t i = 0; i < sizeof sse / sizeof *sse; i++)
        if (strcasecmp(sse[i], openblas_get_corename()) == 0) return wide ? "SkylakeX" : "Haswell";
#endif
    return NULL;
}

void cpu_runtime(char *out, size_t size) {
    out[0] = 0;
#ifdef TARE_HAVE_OPENBLAS
    openblas(out, size);
#endif
#ifdef TARE_HAVE_ONEDNN
    onednn(out, size);
#endif
}
