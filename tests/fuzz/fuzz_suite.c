/* The suite parser, the sweep parser and the scheme parser over hostile text. What a suite accepts
 * must keep its promises: names that end, sizes in range, as many shapes as it says. */
#include "bench/scheme.h"
#include "bench/workload.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_suite(const uint8_t *data, size_t size) {
    bench_suite s;
    /* A block of exactly the size: reading past it is seen by the sanitizer. */
    char *text = malloc(size ? size : 1);
    memcpy(text, data, size);
    if (bench_suite_parse("input.txt", text, size, &s) == TARE_OK) {
        if (s.count < 1 || s.count > BENCH_SHAPES_MAX) abort();
        for (int i = 0; i < s.count; i++) {
            const bench_shape *h = &s.shapes[i];
            if (!memchr(h->name, 0, sizeof h->name) || !h->name[0]) abort();
            if (h->n < 1 || h->n > BENCH_SIZE_MAX || h->k < 1 || h->k > BENCH_SIZE_MAX) abort();
            if (h->count < 1) abort();
        }
        bench_suite_clear(&s);
    } else if (s.shapes || s.count) {
        abort();
    }
    free(text);
}

static void check_words(const uint8_t *data, size_t size) {
    int64_t value[BENCH_SWEEP_MAX];
    int count;
    static bench_scheme schemes[BENCH_SCHEMES_MAX];
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    if (bench_sweep_parse("-m", text, value, &count) == TARE_OK) {
        if (count < 1 || count > BENCH_SWEEP_MAX) abort();
        for (int i = 0; i < count; i++)
            if (value[i] < 1 || value[i] > BENCH_SIZE_MAX) abort();
    }
    if (bench_scheme_list(text, schemes, &count) == TARE_OK) {
        if (count < 1) abort();
        for (int i = 0; i < count; i++) { /* a name means what it was made from */
            bench_scheme again;
            if (tare_format_check(&schemes[i].w) != TARE_OK) abort();
            if (bench_scheme_parse(schemes[i].name, &again) != TARE_OK) abort();
            if (memcmp(&again.w, &schemes[i].w, sizeof again.w) != 0) abort();
            if (again.sparsity != schemes[i].sparsity) abort();
        }
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16) return 0;
    check_suite(data, size);
    check_words(data, size);
    return 0;
}
