/* TARE_CPU_MASK: which features rows may use, as a number of bits or as names. A text that is
 * neither is an error and not a mask of zero: who mistypes "avx2" must not measure portable C. */
#include "cpu/cpu.h"
#include "src/parse.h"

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
    return bit >= 0 && bit < NAMES ? names[bit].name : NULL;
}

static int add_name(const char *word, size_t length, uint64_t *mask) {
    for (int i = 0; i < NAMES; i++)
        if (strlen(names[i].name) == length && strncmp(names[i].name, word, length) == 0) {
            *mask |= names[i].whole;
            return 1;
        }
    return 0;
}

/* Decimal, or hexadecimal after 0x: a leading zero does not make it octal. */
static int number(const char *text, uint64_t *mask) {
    if (text[0] != '0' || text[1] != 'x') return tare_parse_whole(text, 0, UINT64_MAX, mask);
    size_t digits = strlen(text + 2);
    if (digits < 1 || digits > 16 || strspn(text + 2, "0123456789abcdefABCDEF") != digits) return 0;
    *mask = strtoull(text + 2, NULL, 16);
    return 1;
}

int cpu_mask_parse(const char *text, uint64_t *mask) {
    *mask = 0;
    if (strcmp(text, "portable") == 0) return 1;
    if (*text >= '0' && *text <= '9') return number(text, mask);
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
