#include "parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

int tare_parse_whole(const char *text, uint64_t least, uint64_t most, uint64_t *out) {
    uint64_t v = 0;
    if (!*text) return 0;
    for (; *text; text++) {
        if (!is_digit(*text) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
            return 0;
    }
    if (v < least || v > most) return 0;
    *out = v;
    return 1;
}

/* sign? digits? ( '.' digits? )? ( e sign? digits )?, with a digit before the e. */
static int looks_real(const char *c) {
    int digits = 0;
    if (*c == '-' || *c == '+') c++;
    for (; is_digit(*c); c++) digits++;
    if (*c == '.')
        for (c++; is_digit(*c); c++) digits++;
    if (!digits) return 0;
    if (*c == 'e' || *c == 'E') {
        c++;
        if (*c == '-' || *c == '+') c++;
        if (!is_digit(*c)) return 0;
        while (is_digit(*c)) c++;
    }
    return *c == 0;
}

int tare_parse_real(const char *text, double least, double most, double *out) {
    char *end;
    if (!looks_real(text)) return 0;
    double v = strtod(text, &end);
    /* A locale with another point stops early; 1e999 overflows to infinity. */
    if (*end || !isfinite(v) || !(v >= least) || !(v <= most)) return 0;
    *out = v;
    return 1;
}

enum { MILLION = 1000000 };

int tare_parse_share(const char *text, int *millionths) {
    int64_t v = 0, unit = MILLION; /* of the last digit read */
    size_t length = strlen(text);
    int percent = length && text[length - 1] == '%', point = 0;
    if (!is_digit(*text)) return 0;
    if (percent) unit /= 100, length--;
    if (!is_digit(text[length - 1])) return 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.' && !point++) continue;
        if (!is_digit(text[i])) return 0;
        int digit = text[i] - '0';
        if (!point) {
            v = v * 10 + digit * unit;
            if (v >= 100 * MILLION) return 0;
            continue;
        }
        if (unit < 10 && digit) return 0; /* finer than a millionth */
        if (unit < 10) continue;
        unit /= 10;
        v += digit * unit;
    }
    if (v >= MILLION) return 0;
    *millionths = (int)v;
    return 1;
}

int tare_threads_asked(void) {
    const char *text = getenv("TARE_THREADS");
    uint64_t n;
    if (!text || !*text) return 0;
    return tare_parse_whole(text, 1, TARE_THREADS_MAX, &n) ? (int)n : -1;
}

const char *tare_threads_error(void) {
    return tare_threads_asked() < 0 ? "TARE_THREADS counts threads, 1 to 1024: digits and nothing "
                                      "else, or not set"
                                    : NULL;
}
