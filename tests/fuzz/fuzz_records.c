/* The reader of record files over hostile text: what it accepts can be compared and shown, in every
 * view, and holds only what a table may hold. The input is split at its first NUL into two files.
 */
#include "bench/compare.h"
#include "bench/gate.h"
#include "bench/table.h"
#include "bench/workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of exactly the size: reading past it is seen by the sanitizer. */
static json_t *read_copy(const uint8_t *data, size_t size) {
    json_t *out = NULL;
    char *text = calloc(size ? size : 1, 1);
    if (size) memcpy(text, data, size);
    tare_status s = bench_records_parse("input", text, size, &out);
    if ((s == TARE_OK) != (out != NULL)) abort();
    free(text);
    return out;
}

static void check_pairs(const json_t *pairs, size_t least) {
    size_t at;
    const json_t *p;
    if (json_array_size(pairs) < least) abort();
    json_array_foreach(pairs, at, p) {
        double n = bench_json_number(p, "n"), ratio = bench_json_number(p, "ratio");
        if (!(n >= 1 && n <= (double)BENCH_SIZE_MAX)) abort();
        if (!isnan(ratio) && !(isfinite(ratio) && ratio > 0)) abort();
        if (strpbrk(bench_json_string(p, "device"), "\033\n\r")) abort();
    }
}

static void show(const json_t *pairs) {
    for (int view = BENCH_TABLE; view <= BENCH_JSONL; view++) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        if (!f) return;
        if (bench_report_compare(f, (enum bench_view)view, pairs) != 0) abort();
        fclose(f);
        if (memchr(text, '\033', size)) abort();
        free(text);
    }
}

/* A file beside itself is unchanged, unless something in it is wrong. */
static void decide(const json_t *pairs, int itself) {
    char line[BENCH_GATE_LINE];
    enum bench_gate_code code = bench_gate(pairs, line);
    if (strlen(line) >= sizeof line || strpbrk(line, "\033\n\r")) abort();
    if (itself && code != BENCH_PAIRS_HOLD && code != BENCH_PAIRS_WRONG) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16) return 0;
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    size_t first = cut ? (size_t)(cut - data) : size;
    json_t *a = read_copy(data, first);
    json_t *b = cut ? read_copy(cut + 1, size - first - 1) : json_incref(a);
    json_t *pairs = a && b ? bench_compare(a, b) : NULL;
    if (pairs) {
        check_pairs(pairs, json_array_size(a));
        decide(pairs, !cut);
        show(pairs);
    }
    json_decref(pairs);
    json_decref(a);
    json_decref(b);
    return 0;
}
