/* TARE_CPU_MASK: which features rows may use, as a number of bits or as names. A text that is
 * neither is an error and not a mask of zero: who mistypes "avx2" must not measure portable C. */
#include "cpu/family.h"
#include "cpu/lib/onednn.h"
#include "cpu/lib/openblas.h"
#include "src/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cpu_feature_name(int bit) {
    if (bit == CPU_OPENBLAS_BIT) return openblas_text();
    if (bit >= CPU_ONEDNN_BIT && bit <= CPU_ONEDNN_I8_BIT && !onednn_open()) return onednn_text();
    if (bit == CPU_ONEDNN_BIT) return onednn_text();
    if (bit == CPU_ONEDNN_BF16_BIT) return "no bf16 products of oneDNN on this processor";
    if (bit == CPU_ONEDNN_I8_BIT)
        return "no exact int8 products of oneDNN on this processor: without VNNI they saturate";
    for (int i = 0; i < bit; i++)
        if (!cpu_family_here.features[i].name) return NULL;
    return bit >= 0 ? cpu_family_here.features[bit].name : NULL;
}

static int add_name(const char *word, size_t length, uint64_t *mask) {
    for (const cpu_feature *f = cpu_family_here.features; f->name; f++)
        if (strlen(f->name) == length && strncmp(f->name, word, length) == 0) {
            *mask |= f->whole;
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
    const char *text = getenv("TARE_CPU_MASK");
    uint64_t mask;
    return text && *text && !cpu_mask_parse(text, &mask) ? cpu_family_here.mask_error : NULL;
}
