/* What two files of records decide, and in which order. */
#include "bench/compare.h"
#include "bench/gate.h"
#include "bench/table.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* A record; what a test does not set is as usual: f32, k, asked, 0.01. */
typedef struct row {
    const char *scheme, *kernel, *role, *verdict, *more, *env;
    double ns, width; /* half an interval's, over the median; ns 0: not timed */
} row;

#define ROW(...) (&(row){__VA_ARGS__})

static char file_a[20000], file_b[20000];

static const char * or (const char *text, const char *usual) {
    return text ? text : usual;
}

static void put(char *out, const row *r) {
    double width = r->width > 0 ? r->width : 0.01;
    size_t at = strlen(out), room = sizeof file_a - at;
    char timed[200] = "\"median_ns\":null,\"ci95_ns\":null";
    if (r->ns > 0)
        snprintf(timed, sizeof timed, "\"median_ns\":%.17g,\"ci95_ns\":[%.17g,%.17g]", r->ns,
                 r->ns * (1 - width), r->ns * (1 + width));
    snprintf(out + at, room,
             "{\"schema\":\"tare-bench-2\",\"device\":\"cpu\",\"m\":1,\"n\":8,\"k\":16,"
             "\"scheme\":\"%s\",\"kernel\":\"%s\",\"cache\":\"cold\",\"weights\":\"resident\","
             "\"pct_peak\":null,\"role\":\"%s\",\"verdict\":\"%s\",%s%s,\"env\":{\"cpu\":\"chip\","
             "\"threads\":2%s}}\n",
             or (r->scheme, "f32"), or (r->kernel, "k"), or (r->role, "asked"),
             or (r->verdict, r->ns > 0 ? "HELPS" : "UNSUPPORTED"), timed, or (r->more, ""),
             or (r->env, ""));
}

static json_t *parse(const char *text) {
    json_t *r = NULL;
    cr_assert_eq(bench_records_parse("f", text, strlen(text), &r), TARE_OK, "%s",
                 tare_last_error());
    return r;
}

/* Of all that was put; forgets it. */
static void decides(enum bench_gate_code want, const char *says) {
    char line[BENCH_GATE_LINE];
    json_t *a = parse(file_a), *b = parse(file_b), *pairs = bench_compare(a, b);
    enum bench_gate_code code = bench_gate(pairs, line);
    cr_expect_eq(code, want, "%d, not %d: %s", code, want, line);
    cr_expect(strstr(line, says), "'%s' is not in: %s", says, line);
    cr_expect_not(strpbrk(line, "\n\r\033"), "not one line: %s", line);
    json_decref(a);
    json_decref(b);
    json_decref(pairs);
    *file_a = *file_b = 0;
}

static void both(const row *a, const row *b) {
    put(file_a, a);
    put(file_b, b);
}

Test(gate, what_times_say) {
    both(ROW(.ns = 10000), ROW(.ns = 10000));
    decides(BENCH_PAIRS_HOLD, "unchanged or faster: 1 of 1 cells");
    both(ROW(.ns = 10000), ROW(.ns = 4000));
    decides(BENCH_PAIRS_HOLD, "unchanged or faster");
    both(ROW(.ns = 10000), ROW(.ns = 10200));
    decides(BENCH_PAIRS_HOLD, "unchanged or faster");
    both(ROW(.ns = 10000), ROW(.ns = 20000));
    decides(BENCH_PAIRS_SLOWER, "slower: 1 of 1 cells: cpu 1x8x16 f32 cold k (a / b 0.5 [");
    both(ROW(.ns = 10000), ROW(.ns = 10200, .width = 0.1));
    decides(BENCH_PAIRS_OPEN, "can't tell: 1 of 1 cells: cpu 1x8x16 f32 cold k (a / b 0.98 [");
    both(ROW(.ns = 10000), ROW(.ns = 12000));
    decides(BENCH_PAIRS_OPEN, "no more than two like runs differ");
    both(ROW(.ns = 10000), ROW(.ns = 14500));
    decides(BENCH_PAIRS_OPEN, "no more than two like runs differ");
    both(ROW(.ns = 10000), ROW(.ns = 16000));
    decides(BENCH_PAIRS_SLOWER, "slower");
}

/* What two runs chose among the same kernels says less than a kernel that a mask took away. */
Test(gate, kernels_that_were_chosen) {
    both(ROW(.ns = 10000), ROW(.ns = 22000, .kernel = "j"));
    decides(BENCH_PAIRS_OPEN, "k -> j (a / b 0.455 [0.446, 0.464], no more than two like runs");
    both(ROW(.ns = 10000), ROW(.ns = 30000, .kernel = "j"));
    decides(BENCH_PAIRS_SLOWER, "k -> j");
    both(ROW(.ns = 10000, .env = ",\"mask\":null"),
         ROW(.ns = 22000, .kernel = "j", .env = ",\"mask\":\"avx2\""));
    decides(BENCH_PAIRS_SLOWER, "k -> j");
    both(ROW(.ns = 10000), ROW(.ns = 30000, .kernel = "j"));
    both(ROW(.ns = 10000, .scheme = "w8a8"), ROW(.ns = 10000, .scheme = "w8a8"));
    decides(BENCH_PAIRS_OPEN, "but b has a's kernel in other cells");
    both(ROW(.ns = 10000), ROW(.ns = 30000, .kernel = "j"));
    put(file_b, ROW(.scheme = "w8a8")); /* it refuses there */
    decides(BENCH_PAIRS_SLOWER, "k -> j");
}

static const char fast[] = ",\"ceilings\":{\"read_gbs\":100,\"f32_gflops\":100,\"measured\":true}",
                  slow[] = ",\"ceilings\":{\"read_gbs\":60,\"f32_gflops\":99,\"measured\":true}";

Test(gate, the_machine_itself) {
    both(ROW(.ns = 10000, .env = fast), ROW(.ns = 17000, .env = slow));
    decides(BENCH_PAIRS_OPEN, "b's ceilings fell to 0.6 of a's");
    both(ROW(.ns = 10000, .env = fast), ROW(.ns = 34000, .env = slow));
    decides(BENCH_PAIRS_SLOWER, "slower");
    both(ROW(.ns = 10000, .env = slow), ROW(.ns = 10000.5, .env = fast));
    decides(BENCH_PAIRS_OPEN, "b's ceilings are up to 1.67 times a's");
    both(ROW(.ns = 10000, .env = fast), ROW(.ns = 10000.5, .env = slow));
    decides(BENCH_PAIRS_HOLD, "unchanged");
}

/* Estimates are of no run, and a mask takes the units of the arithmetic ceiling away. */
Test(gate, ceilings_that_tell_nothing) {
    static const char *const none[] = {
        ",\"ceilings\":{\"read_gbs\":10,\"f32_gflops\":10,\"measured\":false}",
        ",\"ceilings\":{\"read_gbs\":10,\"measured\":true,\"estimates\":[\"h\",\"read_gbs\",7]}",
        ",\"ceilings\":{\"read_gbs\":0,\"f32_gflops\":null,\"measured\":true}",
        ",\"ceilings\":{\"f32_gflops\":10,\"measured\":true},\"mask\":\"avx2\""};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        both(ROW(.ns = 10000, .env = fast), ROW(.ns = 20000, .env = none[i]));
        decides(BENCH_PAIRS_SLOWER, "slower");
    }
}

Test(gate, what_cannot_be_compared) {
    const char noisy[] = ",\"noisy\":true", short_one[] = ",\"unresolved\":true";
    both(ROW(.ns = 10000), ROW(.ns = 20000, .more = noisy));
    decides(BENCH_PAIRS_OPEN, "(noisy in b)");
    both(ROW(.ns = 10000, .more = noisy), ROW(.ns = 5000));
    decides(BENCH_PAIRS_OPEN, "(noisy in a)");
    both(ROW(.ns = 10000, .more = noisy), ROW(.ns = 5000, .more = noisy));
    decides(BENCH_PAIRS_OPEN, "(noisy in both)");
    both(ROW(.ns = 10000, .more = noisy), ROW(.ns = 10000, .more = noisy));
    decides(BENCH_PAIRS_HOLD, "unchanged"); /* one measurement in both files */
    both(ROW(.ns = 10000, .more = short_one), ROW(.ns = 20000));
    decides(BENCH_PAIRS_OPEN, "too short");
    both(ROW(.ns = 10000, .more = ",\"timing\":\"graph\""),
         ROW(.ns = 20000, .more = ",\"timing\":\"events\""));
    decides(BENCH_PAIRS_OPEN, "timing is 'graph' in a, 'events' in b");
}

Test(gate, another_machine_before_what_is_slower) {
    both(ROW(.ns = 10000), ROW(.ns = 20000, .env = ",\"device_name\":\"x\""));
    decides(BENCH_PAIRS_SLOWER, "slower"); /* a does not tell its name */
    both(ROW(.ns = 10000, .env = ",\"device_name\":\"y\""),
         ROW(.ns = 20000, .env = ",\"device_name\":\"x\""));
    decides(BENCH_PAIRS_OPEN, "another machine: 1 of 1 cells: cpu 1x8x16 f32 cold k (device_name");
    both(ROW(.ns = 10000), ROW(.ns = 20000));
    memcpy(strstr(file_b, "chip"), "CHIP", 4);
    decides(BENCH_PAIRS_OPEN, "cpu is 'chip' in a, 'CHIP' in b");
    both(ROW(.ns = 10000), ROW(.ns = 10000));
    *(strstr(file_b, "threads\":2") + strlen("threads\":")) = '1';
    decides(BENCH_PAIRS_OPEN, "threads: 2 in a, 1 in b");
}

Test(gate, a_wrong_answer_before_everything) {
    both(ROW(.ns = 10000), ROW(.ns = 20000, .scheme = "f32"));
    both(ROW(.ns = 10000, .scheme = "w8a8", .role = "baseline"),
         ROW(.scheme = "w8a8", .role = "baseline", .verdict = "WRONG"));
    memcpy(strstr(file_b, "chip"), "CHIP", 4);
    decides(BENCH_PAIRS_WRONG, "wrong: 1 of 2 cells: cpu 1x8x16 w8a8");
    both(ROW(.verdict = "WRONG"), ROW(.verdict = "WRONG"));
    decides(BENCH_PAIRS_WRONG, "wrong");
    put(file_a, ROW(.ns = 10000));
    put(file_b, ROW(.verdict = "WRONG", .scheme = "new"));
    decides(BENCH_PAIRS_WRONG, "new");
    both(ROW(.verdict = "WRONG"), ROW(.ns = 10000));
    both(ROW(.scheme = "w8a8", .ns = 10000), ROW(.scheme = "w8a8", .ns = 10000));
    decides(BENCH_PAIRS_HOLD, "unchanged or faster: 1 of 1 cells");
}

Test(gate, cells_that_are_missing) {
    both(ROW(.ns = 10000), ROW(.ns = 10000));
    put(file_a, ROW(.ns = 10000, .scheme = "w8a8"));
    decides(BENCH_PAIRS_OPEN, "w8a8 cold k (only in a)");
    both(ROW(.ns = 10000), ROW(.ns = 0));
    decides(BENCH_PAIRS_OPEN, "(UNSUPPORTED in b)");
    both(ROW(.ns = 0), ROW(.ns = 0));
    decides(BENCH_PAIRS_HOLD, "unchanged"); /* refused in both alike */
    both(ROW(.ns = 10000), ROW(.ns = 10000));
    put(file_b, ROW(.ns = 10000, .scheme = "w8a8"));
    decides(BENCH_PAIRS_HOLD, "unchanged or faster: 1 of 1"); /* new in b */
    put(file_a, ROW(.ns = 10000));
    put(file_b, ROW(.ns = 10000, .scheme = "w8a8"));
    decides(BENCH_PAIRS_OPEN, "only in a");
    put(file_a, ROW(.ns = 0));
    put(file_b, ROW(.ns = 10000));
    decides(BENCH_PAIRS_OPEN, "no cell is in both files");
    both(ROW(.ns = 10000), ROW(.ns = 20000));
    put(file_a, ROW(.ns = 10000, .scheme = "w8a8"));
    decides(BENCH_PAIRS_SLOWER, "f32"); /* slower is sure, whatever is missing */
}

Test(gate, what_was_asked_for_decides) {
    both(ROW(.ns = 10000), ROW(.ns = 10000));
    both(ROW(.ns = 10000, .scheme = "w8a8", .role = "baseline"),
         ROW(.ns = 90000, .scheme = "w8a8", .role = "baseline"));
    decides(BENCH_PAIRS_HOLD, "1 of 1 cells");
    both(ROW(.ns = 10000), ROW(.ns = 10000));
    both(ROW(.ns = 10000, .scheme = "w8a8", .role = "asked"),
         ROW(.ns = 90000, .scheme = "w8a8", .role = "baseline"));
    decides(BENCH_PAIRS_SLOWER, "1 of 2 cells");
    both(ROW(.ns = 10000, .role = "baseline"), ROW(.ns = 90000, .role = "baseline"));
    decides(BENCH_PAIRS_SLOWER, "1 of 1 cells");
}

/* Long names and many cells: the line stays one, and ends. */
Test(gate, a_line_that_has_an_end) {
    char name[101] = "";
    memset(name, 'x', 100);
    for (int i = 0; i < 20; i++) {
        name[0] = (char)('a' + i);
        both(ROW(.ns = 10000, .scheme = name), ROW(.ns = 30000 + i, .scheme = name));
    }
    name[0] = 'a' + 19;
    decides(BENCH_PAIRS_SLOWER, "and 17 more; the median a / b of all 20 cells is 0.333");
}
