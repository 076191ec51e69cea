/* Suites and sweeps: what is read, and what is refused with which words. */
#include "bench/workload.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tare_status parse(const char *text, bench_suite *s) {
    return bench_suite_parse("dir/some.txt", text, strlen(text), s);
}

Test(suite, reads_lines_and_comments) {
    bench_suite s;
    cr_assert_eq(parse("# source\r\n\n  qkv\t4096 4096 128 # all\r\nhead 32000 4096", &s), TARE_OK);
    cr_assert_str_eq(s.name, "some");
    cr_assert_eq(s.count, 2);
    cr_assert_str_eq(s.shapes[0].name, "qkv");
    cr_assert(s.shapes[0].n == 4096 && s.shapes[0].k == 4096 && s.shapes[0].count == 128);
    cr_assert(s.shapes[1].n == 32000 && s.shapes[1].k == 4096 && s.shapes[1].count == 1);
    bench_suite_clear(&s);
}

Test(suite, refusals_name_file_and_line) {
    struct {
        const char *text, *says;
    } bad[] = {{"", "no shapes"},
               {"# only\n", "no shapes"},
               {"a 1 2\nb 1\n", "some.txt:2: k is missing"},
               {"a\n", "some.txt:1: n is missing"},
               {"a 0 2\n", "some.txt:1: n must be"},
               {"a 1 -2\n", "some.txt:1: k must be"},
               {"a 1 2.5\n", "some.txt:1: k must be"},
               {"a 1 16777217\n", "some.txt:1: k must be"},
               {"a 18446744073709551617 1\n", "some.txt:1: n must be"},
               {"a 1 2 0\n", "some.txt:1: count must be"},
               {"a 1 2 3 4\n", "some.txt:1: more than"},
               {"a 1 2\n\na 3 4\n", "some.txt:3: a is there already"},
               {"a\"b 1 2\n", "some.txt:1: a name takes"},
               {"abcdefghijklmnopqrstuvwxyzabcdefghij 1 2\n", "some.txt:1: the name is longer"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bench_suite s;
        cr_assert_eq(parse(bad[i].text, &s), TARE_E_FORMAT, "accepted: %s", bad[i].text);
        cr_assert(strstr(tare_last_error(), bad[i].says), "'%s' says '%s'", bad[i].text,
                  tare_last_error());
        cr_assert(s.shapes == NULL && s.count == 0);
    }
}

Test(suite, a_line_too_many) {
    size_t size = 0;
    char *text = NULL;
    FILE *f = open_memstream(&text, &size);
    for (int i = 0; i <= BENCH_SHAPES_MAX; i++) fprintf(f, "s%d 1 1\n", i);
    fclose(f);
    bench_suite s;
    cr_assert_eq(bench_suite_parse("x", text, size, &s), TARE_E_FORMAT);
    free(text);
}

Test(suite, every_suite_of_the_project_is_found_by_name) {
    static const char *const names[] = {"llama-7b", "llama-70b", "bert-base", "resnet50-as-gemm",
                                        "fashion-mlp"};
    char list[1024];
    bench_suite_list(list, sizeof list);
    for (int i = 0; i < 5; i++) {
        bench_suite s;
        cr_assert_eq(bench_suite_load(names[i], &s), TARE_OK, "%s", tare_last_error());
        cr_assert_str_eq(s.name, names[i]);
        cr_assert(strstr(list, names[i]));
        bench_suite_clear(&s);
    }
}

/* The counts of a suite must add up to the model: its published number of weights. */
Test(suite, weights_add_up) {
    struct {
        const char *name;
        double least, most;
    } known[] = {{"llama-7b", 6.5e9, 6.7e9}, /* 6.74e9 with the 0.13e9 of the embedding */
                 {"llama-70b", 68.4e9, 68.9e9},
                 {"bert-base", 85e6, 86e6}, /* 110e6 with embeddings */
                 {"resnet50-as-gemm", 25.4e6, 25.6e6},
                 {"fashion-mlp", 535040, 535040}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bench_suite s;
        double sum = 0;
        cr_assert_eq(bench_suite_load(known[i].name, &s), TARE_OK);
        for (int j = 0; j < s.count; j++)
            sum += (double)(s.shapes[j].n * s.shapes[j].k * s.shapes[j].count);
        cr_assert(sum >= known[i].least && sum <= known[i].most, "%s: %.6g", known[i].name, sum);
        bench_suite_clear(&s);
    }
}

Test(suite, absent_names_list_what_there_is) {
    bench_suite s;
    cr_assert_eq(bench_suite_load("no-such", &s), TARE_E_ARG);
    cr_assert(strstr(tare_last_error(), "llama-7b"));
    cr_assert_eq(bench_suite_load("./no-such.txt", &s), TARE_E_IO);
    cr_assert_eq(bench_suite_load("/dev/zero", &s), TARE_E_FORMAT);
}

Test(sweep, forms) {
    struct {
        const char *text;
        int count;
        int64_t value[10];
    } good[] = {{"7", 1, {7}},
                {"1,8,32", 3, {1, 8, 32}},
                {"1-512*2", 10, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}},
                {"1-16+4", 4, {1, 5, 9, 13}},
                {"3-5", 3, {3, 4, 5}},
                {"4,1-8*2", 4, {4, 1, 2, 8}},
                {"16777216-16777216*2", 1, {16777216}}};
    int64_t v[BENCH_SWEEP_MAX];
    int count;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert_eq(bench_sweep_parse("-m", good[i].text, v, &count), TARE_OK);
        cr_assert_eq(count, good[i].count, "%s: %d", good[i].text, count);
        for (int j = 0; j < count; j++) cr_assert_eq(v[j], good[i].value[j], "%s", good[i].text);
    }
}

Test(sweep, refusals) {
    static const char *const bad[] = {"",     "0",       "-1",       "1,",
                                      ",1",   "1-",      "8-1",      "1-8*1",
                                      "1-8*", "1-8+0",   "1-8*0",    "a",
                                      "1 2",  "1.5",     "16777217", "1-8x2",
                                      "0x10", "1-8*2*2", "1-1000",   "99999999999999999999999"};
    int64_t v[BENCH_SWEEP_MAX];
    int count;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(bench_sweep_parse("-m", bad[i], v, &count), TARE_E_ARG, "took %s", bad[i]);
        cr_assert(strncmp(tare_last_error(), "-m: ", 4) == 0);
    }
}
