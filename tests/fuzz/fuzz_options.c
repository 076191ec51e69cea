/* Command lines of the measuring verbs, a word a line: what is accepted lies in its range, every
 * refusal has a text of one line. */
#include "src/cli/bench.h"
#include "src/cli/cli.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 24 };

/* Each word in a block of its own: reading past it is seen by the sanitizer. */
static int split(const uint8_t *data, size_t size, char *words[WORDS + 2]) {
    int n = 0;
    words[n++] = strdup("bench");
    for (size_t at = 0; at < size && n <= WORDS;) {
        size_t length = 0;
        while (at + length < size && data[at + length] != '\n' && data[at + length]) length++;
        words[n++] = strndup((const char *)data + at, length);
        at += length + 1;
    }
    words[n] = NULL;
    return n;
}

static void check_error(void) {
    const char *text = tare_last_error();
    if (!*text) abort();
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127) abort();
}

static void check_args(const bench_args *a) {
    if (!(a->seconds >= 0.001 && a->seconds <= 3600)) abort();
    if (a->limit != 0 && !(a->limit >= 0.001 && a->limit <= 1e6)) abort();
    if (a->threads < 0 || a->threads > 1024) abort();
    if (a->samples < 6 || a->samples > 1000000) abort();
    if (a->seed > INT64_MAX) abort();
}

static void check_shapes(const bench_args *a) {
    bench_shapes s;
    if (a->suite) return; /* a file by that name would be opened */
    if (bench_shapes_make(a, &s) != TARE_OK) {
        check_error();
        return;
    }
    if (s.m_count < 1 || s.m_count > BENCH_SWEEP_MAX) abort();
    if (s.suite.count < 1 || s.suite.count > BENCH_SHAPES_MAX) abort();
    for (int i = 0; i < s.suite.count; i++) {
        const bench_shape *h = &s.suite.shapes[i];
        if (h->n < 1 || h->n > BENCH_SIZE_MAX || h->k < 1 || h->k > BENCH_SIZE_MAX) abort();
    }
    bench_shapes_clear(&s);
}

static void check_schemes(const bench_args *a) {
    static bench_scheme schemes[BENCH_SCHEMES_MAX];
    int count = 0;
    if (!a->schemes) return;
    if (bench_scheme_list(a->schemes, schemes, &count) != TARE_OK) {
        check_error();
        return;
    }
    if (count < 1 || count > BENCH_SCHEMES_MAX) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *words[WORDS + 2], *given[WORDS + 2];
    bench_args a;
    if (size > 1 << 12) return 0;
    int n = split(data, size, words);
    memcpy(given, words, sizeof given); /* getopt reorders */
    optind = 0;                         /* glibc: from the beginning */
    if (bench_args_parse(n, given, &a) == TARE_OK) {
        check_args(&a);
        check_shapes(&a);
        check_schemes(&a);
        if (a.view && bench_view_find(a.view) < 0) abort();
        if (a.timing && bench_timing_find(a.timing) > 64) abort();
    } else {
        check_error();
    }
    for (int i = 0; i < n; i++) free(words[i]);
    return 0;
}
