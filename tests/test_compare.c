/* Records of two files: what is paired, what is refused and where it says the fault lies. */
#include "bench/compare.h"
#include "bench/table.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record's line; the medians are 100 ns apart from their intervals' ends. */
static void line(char *out, size_t size, const char *scheme, const char *kernel, double ns) {
    char timed[300] = "\"median_ns\":null,\"ci95_ns\":null,\"pct_peak\":null,"
                      "\"verdict\":\"UNSUPPORTED\",\"refusal\":\"no \\u001b[31m such\"",
         name[80] = "null";
    if (ns > 0)
        snprintf(timed, sizeof timed,
                 "\"median_ns\":%g,\"ci95_ns\":[%g,%g],\"pct_peak\":50.5,\"verdict\":\"HELPS\","
                 "\"refusal\":null",
                 ns, ns - 100, ns + 100);
    if (kernel) snprintf(name, sizeof name, "\"%s\"", kernel);
    size_t at = strlen(out);
    snprintf(out + at, size - at,
             "{\"schema\":\"tare-bench-3\",\"device\":\"cpu\",\"m\":1,\"n\":8,\"k\":16,"
             "\"scheme\":\"%s\",\"kernel\":%s,\"cache\":\"cold\",\"weights\":\"resident\",%s,"
             "\"samples_ns\":[1,2],\"env\":{\"device_name\":\"chip\"}}\n",
             scheme, name, timed);
}

static json_t *parse(const char *text) {
    json_t *r = NULL;
    cr_assert_eq(bench_records_parse("f", text, strlen(text), &r), TARE_OK, "%s",
                 tare_last_error());
    return r;
}

static json_t *compare(const char *a, const char *b) {
    json_t *x = parse(a), *y = parse(b), *pairs = bench_compare(x, y);
    cr_assert(pairs);
    json_decref(x);
    json_decref(y);
    return pairs;
}

static void check(const json_t *pairs, size_t at, const char *in, const char *b_is, double ratio) {
    const json_t *p = json_array_get(pairs, at);
    cr_expect_str_eq(bench_json_string(p, "in"), in, "pair %zu", at);
    cr_expect_str_eq(bench_json_string(p, "b_is"), b_is, "pair %zu", at);
    if (ratio > 0) cr_expect_float_eq(bench_json_number(p, "ratio"), ratio, 1e-12);
}

Test(compare, pairs_cells_and_names_the_rest) {
    char a[4000] = "", b[4000] = "";
    line(a, sizeof a, "f32", "k1", 20000);
    line(a, sizeof a, "w8a8", "k2", 10000);
    line(a, sizeof a, "w8a8", "k3", 10000);
    line(a, sizeof a, "w4a8", "k4", 10000);
    line(b, sizeof b, "w4a8", NULL, 0);
    line(b, sizeof b, "w8a8", "k2", 20000);
    line(b, sizeof b, "f32", "k1", 10000);
    line(b, sizeof b, "w4a16", "k4", 10000);
    json_t *p = compare(a, b);
    cr_assert_eq(json_array_size(p), 5);
    check(p, 0, "both", "faster", 2);
    check(p, 1, "both", "slower", 0.5);
    check(p, 2, "a", "", 0);
    check(p, 3, "both", "", 0);
    check(p, 4, "b", "", 0);
    cr_expect_str_eq(bench_json_string(json_array_get(p, 3), "gate"), "missing");
    cr_expect_str_eq(bench_json_string(json_array_get(p, 3), "refusal"), "no ?[31m such");
    const json_t *ci = json_object_get(json_array_get(p, 0), "ratio_ci95");
    cr_expect_float_eq(json_number_value(json_array_get(ci, 0)), 19900.0 / 10100, 1e-12);
    cr_expect_float_eq(json_number_value(json_array_get(ci, 1)), 20100.0 / 9900, 1e-12);
    json_decref(p);
}

/* Within 5 % and surely so, and an interval that reaches out of it. */
Test(compare, says_same_only_where_it_is_sure) {
    char a[2000] = "", b[2000] = "";
    line(a, sizeof a, "f32", "k", 20000);
    line(a, sizeof a, "f32", "j", 2000);
    line(b, sizeof b, "f32", "k", 20100);
    line(b, sizeof b, "f32", "j", 2010);
    json_t *p = compare(a, b);
    check(p, 0, "both", "same", 0);
    check(p, 1, "both", "unclear", 0);
    json_decref(p);
}

Test(compare, cells_held_twice_are_paired_in_order) {
    char a[2000] = "", b[2000] = "";
    line(a, sizeof a, "f32", "k", 10000);
    line(a, sizeof a, "f32", "k", 40000);
    line(b, sizeof b, "f32", "k", 20000);
    line(b, sizeof b, "f32", "k", 20000);
    line(b, sizeof b, "f32", "k", 30000);
    json_t *p = compare(a, b);
    cr_assert_eq(json_array_size(p), 3);
    check(p, 0, "both", "slower", 0.5);
    check(p, 1, "both", "faster", 2);
    check(p, 2, "b", "", 0);
    json_decref(p);
}

/* Those of one name first; what is left, the fastest with the fastest. */
Test(compare, kernels_that_changed_their_names) {
    char a[4000] = "", b[4000] = "", *text = NULL;
    size_t size = 0;
    line(a, sizeof a, "f32", "slow", 40000);
    line(a, sizeof a, "f32", "same", 20000);
    line(a, sizeof a, "f32", "fast", 10000);
    line(a, sizeof a, "f32", "gone", 80000);
    line(b, sizeof b, "f32", "none", 0);
    line(b, sizeof b, "f32", "new", 5000);
    line(b, sizeof b, "f32", "same", 1000);
    line(b, sizeof b, "f32", "old", 40000);
    json_t *p = compare(a, b);
    cr_assert_eq(json_array_size(p), 4);
    check(p, 0, "both", "same", 1);
    check(p, 1, "both", "faster", 20);
    check(p, 2, "both", "faster", 2);
    check(p, 3, "both", "", 0);
    cr_expect_str_eq(bench_json_string(json_array_get(p, 2), "b_kernel"), "new");
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(bench_report_compare(f, BENCH_TABLE, p), 0);
    fclose(f);
    cr_expect(strstr(text, "fast -> new ") && strstr(text, "slow -> old "), "%s", text);
    cr_expect_not(strstr(text, "same -> "), "%s", text);
    free(text);
    json_decref(p);
}

Test(compare, views_show_what_matters) {
    char a[2000] = "", b[2000] = "", *text = NULL;
    size_t size = 0;
    line(a, sizeof a, "f32", "k", 10000);
    line(a, sizeof a, "csr@0.9", NULL, 0);
    line(b, sizeof b, "f32", "k", 10000);
    char *other = strstr(b, "chip");
    memcpy(other, "CHIP", 4);
    json_t *p = compare(a, b);
    for (int view = BENCH_TABLE; view <= BENCH_JSONL; view++) {
        FILE *f = open_memstream(&text, &size);
        cr_assert_eq(bench_report_compare(f, (enum bench_view)view, p), 0);
        fclose(f);
        cr_expect(strstr(text, "csr@0.9"), "view %d: %s", view, text);
        cr_expect_not(strchr(text, '\033'), "view %d: a terminal would be steered", view);
        if (view <= BENCH_MD) cr_expect(strstr(text, "only in a, no ?[31m such"), "%s", text);
        if (view <= BENCH_MD) cr_expect(strstr(text, "not the same device"), "%s", text);
        free(text);
    }
    json_decref(p);
}

/* ---- files that are none ---- */

/* The first line is good; the second is the first with `from` replaced. */
static void refused(const char *from, const char *to, const char *says) {
    char good[2000] = "", text[6000];
    json_t *r = (json_t *)1;
    line(good, sizeof good, "f32", "k", 10000);
    const char *at = strstr(good, from);
    cr_assert(at, "%s", from);
    snprintf(text, sizeof text, "%s%.*s%s%s", good, (int)(at - good), good, to, at + strlen(from));
    cr_expect_neq(bench_records_parse("f.jsonl", text, strlen(text), &r), TARE_OK, "%s -> %s", from,
                  to);
    cr_expect_null(r);
    cr_expect(strstr(tare_last_error(), "f.jsonl:2: ") && strstr(tare_last_error(), says), "%s: %s",
              to, tare_last_error());
}

Test(compare, bad_records_name_their_line) {
    long live = tare_alloc_live();
    refused("}}\n", "", "not JSON");
    refused("\"n\":8,", "", "no key 'n'");
    refused("\"n\":8", "\"n\":\"8\"", "'n' is no whole number");
    refused("\"n\":8", "\"n\":8.5", "'n' is no whole number");
    refused("\"n\":8", "\"n\":0", "'n' is no whole number");
    refused("\"n\":8", "\"n\":-1", "'n' is no whole number");
    refused("\"n\":8", "\"n\":9223372036854775807", "'n' is no whole number");
    refused("\"n\":8", "\"n\":9223372036854775808", "not JSON");
    refused("\"n\":8", "\"n\":8,\"n\":9", "not JSON");
    refused("\"cpu\"", "7", "'device' is no text");
    refused("\"cpu\"", "\"\"", "'device' is empty");
    refused("\"cpu\"", "\"\\u001b]0;x\"", "control");
    refused("\"cpu\"", "\"\\u009bm\"", "control");
    refused("\"cpu\"", "\"\\u0000\"", "not JSON");
    refused("\"cpu\"", "\"\xff\"", "not JSON");
    refused("\"k\",\"cache\"", "null,\"cache\"", "no kernel");
    refused("\"median_ns\":10000", "\"median_ns\":-1", "'median_ns'");
    refused("\"median_ns\":10000", "\"median_ns\":1e300", "'median_ns'");
    refused("\"median_ns\":10000", "\"median_ns\":1e-320", "'median_ns'");
    refused("\"median_ns\":10000", "\"median_ns\":1e999", "not JSON");
    refused("\"median_ns\":10000", "\"median_ns\":NaN", "not JSON");
    refused("[9900,10100]", "[10100,9900]", "'ci95_ns'");
    refused("[9900,10100]", "[9900]", "'ci95_ns'");
    refused("[9900,10100]", "[0,10100]", "'ci95_ns'");
    refused("\"pct_peak\":50.5", "\"pct_peak\":-3", "'pct_peak'");
    refused("tare-bench-3", "tare-bench-9", "'tare-bench-9'; this tare reads tare-bench-3 and");
    refused("\"schema\"", "\"sxhema\"", "not a record");
    refused("\"m\":1", "\"m\":1,\"noisy\":1", "'noisy'");
    refused("\"m\":1", "\"m\":1,\"unresolved\":\"no\"", "'unresolved'");
    refused("\"m\":1", "\"m\":1,\"role\":[]", "'role'");
    refused("\"m\":1", "\"m\":1,\"op\":\"\\u001b\"", "'op'");
    refused("\"m\":1", "\"m\":1,\"timing\":1", "'timing'");
    refused("\"chip\"", "\"chip\",\"cpu\":7", "'cpu'");
    refused("\"chip\"", "\"chip\",\"threads\":-1", "'threads'");
    refused("\"chip\"", "\"chip\",\"threads\":2.5", "'threads'");
    refused("\"chip\"", "\"chip\",\"ceilings\":{\"read_gbs\":-1}", "'read_gbs'");
    refused("\"chip\"", "\"chip\",\"ceilings\":{\"f32_gflops\":\"1\"}", "'f32_gflops'");
    cr_expect_eq(tare_alloc_live(), live);
}

Test(compare, files_without_records) {
    static const char *const none[] = {"", "\n\n", "[]", "7", "{}", "\xef\xbb\xbf{}"};
    json_t *r;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_expect_neq(bench_records_parse("f", none[i], strlen(none[i]), &r), TARE_OK, "'%s'",
                      none[i]);
}

/* New keys do not raise the schema's number: a reader must skip them. */
Test(compare, keys_of_later_versions_are_skipped) {
    char a[2000] = "", text[3000];
    line(a, sizeof a, "f32", "k", 10000);
    snprintf(text, sizeof text, "{\"later\":{\"a\":[1,null]},%s", a + 1);
    json_decref(parse(text));
}
