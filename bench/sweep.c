/* Sweeps: "1,8,32", "1-512*2", "1-16+4". */
#include "bench/workload.h"
#include "src/internal.h"

#include <string.h>

/* Digits at *at, moved past them; 0 where there are none or the value is out of range. */
static int64_t number(const char **at, const char *end) {
    int64_t v = 0;
    const char *from = *at;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (v <= BENCH_SIZE_MAX) v = v * 10 + (**at - '0');
    }
    return *at == from || v > BENCH_SIZE_MAX ? 0 : v;
}

static tare_status add(const char *what, int64_t v, int64_t out[BENCH_SWEEP_MAX], int *count) {
    for (int i = 0; i < *count; i++)
        if (out[i] == v) return TARE_OK;
    if (*count == BENCH_SWEEP_MAX)
        TARE_FAIL(TARE_E_ARG, "%s: more than %d values", what, BENCH_SWEEP_MAX);
    out[(*count)++] = v;
    return TARE_OK;
}

/* One item of the list. Every value is at most BENCH_SIZE_MAX = 2^24, so that v * step stays far
 * below 2^63. */
static tare_status item(const char *what, const char *at, const char *end,
                        int64_t out[BENCH_SWEEP_MAX], int *count) {
    const char *text = at;
    int length = (int)(end - at < 40 ? end - at : 40);
    int64_t from = number(&at, end), to = from, step = 1;
    char kind = '+';
    int good = from > 0;
    if (good && at < end && *at == '-') {
        at++;
        to = number(&at, end);
        good = to >= from;
        if (good && at < end) {
            kind = *at++;
            step = number(&at, end);
            good = (kind == '+' && step >= 1) || (kind == '*' && step >= 2);
        }
    }
    if (!good || at != end)
        TARE_FAIL(TARE_E_ARG,
                  "%s: '%.*s' is no size; write 8, 1,8,32, 1-512*2 or 1-16+4, each from 1 to %lld",
                  what, length, text, (long long)BENCH_SIZE_MAX);
    for (int64_t v = from; v <= to; v = kind == '*' ? v * step : v + step)
        TARE_TRY(add(what, v, out, count));
    return TARE_OK;
}

tare_status bench_sweep_parse(const char *what, const char *text, int64_t out[BENCH_SWEEP_MAX],
                              int *count) {
    *count = 0;
    for (const char *at = text;;) {
        const char *end = at + strcspn(at, ",");
        TARE_TRY(item(what, at, end, out, count));
        if (!*end) return TARE_OK;
        at = end + 1;
    }
}
