/* The parsers of single words over hostile text: formats, schemes, masks, numbers, shares, names.
 * What one accepts has one meaning: written back it is read as the same. */
#include "bench/scheme.h"
#include "cpu/cpu.h"
#include "src/parse.h"
#include "src/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_format(const char *text) {
    tare_format f, again;
    char name[64];
    if (tare_format_parse(text, &f) != TARE_OK) {
        tare_format none;
        memset(&none, 0, sizeof none);
        if (memcmp(&f, &none, sizeof f) != 0) abort();
        return;
    }
    if (tare_format_check(&f) != TARE_OK) abort();
    size_t length = tare_format_name(&f, name, sizeof name);
    if (length >= sizeof name || strcmp(name, text) != 0) abort(); /* a format has one name */
    if (tare_format_parse(name, &again) != TARE_OK || memcmp(&f, &again, sizeof f) != 0) abort();
}

static void check_scheme(const char *text) {
    bench_scheme s, again;
    if (bench_scheme_parse(text, &s) != TARE_OK) return;
    if (!memchr(s.name, 0, sizeof s.name) || tare_format_check(&s.w) != TARE_OK) abort();
    if (!(s.sparsity >= 0 && s.sparsity < 1)) abort();
    if (bench_scheme_parse(s.name, &again) != TARE_OK || memcmp(&s, &again, sizeof s) != 0) abort();
    int64_t nnz = bench_scheme_nnz(&s, 96, 100), most = 96 * 100 + 512 * 512;
    if (nnz < 0 || nnz > most) abort();
}

/* A name stands for bits with all that they need; a number for itself. */
static void check_mask(const char *text) {
    uint64_t mask = 0, again = 0;
    char name[24];
    if (!cpu_mask_parse(text, &mask)) return;
    if (strpbrk(text, " \t\n+-.%")) abort();
    snprintf(name, sizeof name, "%llu", (unsigned long long)mask);
    if (!cpu_mask_parse(name, &again) || again != mask) abort();
}

static void check_numbers(const char *text) {
    uint64_t n, again;
    double v;
    int share;
    char name[32];
    if (tare_parse_whole(text, 0, UINT64_MAX, &n)) {
        if (text[strspn(text, "0123456789")]) abort();
        snprintf(name, sizeof name, "%llu", (unsigned long long)n);
        if (!tare_parse_whole(name, n, n, &again) || again != n) abort();
    }
    if (tare_parse_real(text, -1e300, 1e300, &v) &&
        (!isfinite(v) || text[strspn(text, "0123456789+-.eE")]))
        abort();
    if (tare_parse_share(text, &share)) {
        int percent = strchr(text, '%') != NULL;
        if (share < 0 || share > 999999 || text[strspn(text, "0123456789.%")]) abort();
        if (fabs(strtod(text, NULL) / (percent ? 100 : 1) - share / 1e6) > 1e-12) abort();
    }
    if (setenv("TARE_THREADS", text, 1) != 0) abort();
    int threads = tare_threads_asked();
    if (threads < -1 || threads > TARE_THREADS_MAX) abort();
    if (threads == 0 && *text) abort();
    if ((threads < 0) != (tare_threads_error() != NULL)) abort();
}

/* Cleaned text is never longer, has nothing to clean, and no control character. */
static void check_clean(char *text) {
    size_t before = strlen(text);
    tare_text_clean(text);
    size_t after = strlen(text);
    char *copy = strdup(text);
    tare_text_clean(copy);
    if (after > before || strcmp(copy, text) != 0) abort();
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 127 || (c[0] == 0xc2 && c[1] < 0xa0)) abort();
    if (tare_text_is_name(text, 31) && (after < 1 || after > 31)) abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 12) return 0;
    char *text = malloc(size + 1);
    if (size) memcpy(text, data, size);
    text[size] = 0;
    check_format(text);
    check_scheme(text);
    check_mask(text);
    check_numbers(text);
    check_clean(text);
    free(text);
    return 0;
}
