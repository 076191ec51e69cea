/* TARE_CPU_MASK: which features rows may use, as a number of bits or as names. A text that is
 * neither is an error and not a mask of zero: who mistypes "avx2" must not measure portable C. */
#include "cpu/cpu.h"
#include "cpu/lib/onednn.h"
#include "cpu/lib/openblas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By bit: CPU_AVX2 and so on; and each with all that it stands on. */
static const struct {
    const char *name;
    uint64_t whole;
} names[] = {
    {"avx2", CPU_AVX2},
    {"avx512", CPU_AVX2 | CPU_AVX512},
    {"vnni", CPU_AVX2 | CPU_AVX512 | CPU_VNNI},
    {"bf16", CPU_AVX2 | CPU_AVX512 | CPU_BF16},
    {"vbmi2", CPU_AVX2 | CPU_AVX512 | CPU_VNNI | CPU_VBMI2},
};
enum { NAMES = sizeof names / sizeof *names };

const char *cpu_feature_name(int bit) {
    if (bit == CPU_OPENBLAS_BIT) return openblas_text();
    if (bit == CPU_ONEDNN_BIT) return onednn_text();
    return bit >= 0 && bit < NAMES ? names[bit].name : NULL;
}

static int add_name(const char *word, size_t length, uint64_t *mask) {
    for (int i = 0; i < NAMES; i++)
        if (strlen(names[i].name) == length && strncmp(names[i].name, word, length) == 0) {
            *mask |= names[i].whole;
            return 1;
        }
    return length == strlen("portable") && strncmp(word, "portable", length) == 0;
}

int cpu_mask_parse(const char *text, uint64_t *mask) {
    *mask = 0;
    if (*text >= '0' && *text <= '9') {
        char *end;
        errno = 0;
        *mask = strtoull(text, &end, 0);
        return *end == 0 && errno == 0;
    }
    for (;;) {
        size_t length = strcspn(text, ",");
        if (!add_name(text, length, mask)) return 0;
        if (!text[length]) return 1;
        text += length + 1;
    }
}

const char *cpu_mask_error(void) {
    static const char why[] = "TARE_CPU_MASK is neither a number (0: portable kernels only; bits 1 "
                              "avx2, 2 avx512, 4 vnni, 8 bf16, 16 vbmi2) nor names of these, "
                              "avx512,bf16, nor portable";
    const char *text = getenv("TARE_CPU_MASK");
    uint64_t mask;
    return text && *text && !cpu_mask_parse(text, &mask) ? why : NULL;
}
