/* The harness from end to end on a device of the tests' own: records hold what docs/records.md
 * says, wrong kernels are never timed, refusals are data. */
#include "bench/data.h"
#include "bench/record.h"
#include "bench/verify.h"
#include "src/internal.h"
#include "tests/fake_backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Computes all rows but the last: what the harness must catch. */
static tare_status run_lazy(const tare_run_args *a) {
    tare_run_args less = *a;
    less.m = a->m - 1;
    return fake_backend.rows[0]->run(&less);
}

static tare_device *make_device(int lazy) {
    static tare_kernel lazy_row;
    static const tare_kernel *rows[3];
    static tare_backend backend;
    tare_device *d;
    lazy_row = *fake_backend.rows[0];
    lazy_row.name = "fake_lazy";
    lazy_row.run = run_lazy;
    rows[0] = lazy ? &lazy_row : fake_backend.rows[0];
    rows[1] = lazy ? fake_backend.rows[0] : NULL;
    backend = fake_backend;
    backend.rows = rows;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    return d;
}

typedef struct run_of {
    bench_setup setup;
    bench_cells cells;
    json_t *env, *records;
} run_of;

static void measure(run_of *r, int lazy, const char *schemes, const char *kernel, int caches) {
    static bench_scheme list[BENCH_SCHEMES_MAX];
    int count;
    memset(r, 0, sizeof *r);
    cr_assert_eq(bench_scheme_list(schemes, list, &count), TARE_OK);
    cr_assert_eq(bench_setup_init(&r->setup, make_device(lazy)), TARE_OK, "%s", tare_last_error());
    r->setup.noise.absent = 1; /* what the host does meanwhile is no matter here */
    r->setup.seconds = 0.01;
    r->setup.kernel = kernel;
    r->setup.caches = caches;
    bench_shape shape = {.name = "layer", .n = 24, .k = 40, .count = 2};
    cr_assert_eq(bench_group(&r->setup, &shape, 2, list, count, &r->cells), TARE_OK, "%s",
                 tare_last_error());
    r->env = bench_record_env(&r->setup);
    r->records = json_array();
    cr_assert(r->env);
    for (int i = 0; i < r->cells.count; i++)
        json_array_append_new(r->records, bench_record(&r->setup, &r->cells.cell[i], r->env));
}

static void done(run_of *r) {
    json_decref(r->records);
    json_decref(r->env);
    bench_cells_clear(&r->cells);
    bench_setup_clear(&r->setup);
}

static const json_t *find(const run_of *r, const char *scheme, const char *kernel) {
    size_t i;
    const json_t *o;
    json_array_foreach(r->records, i, o) {
        const char *k = json_string_value(json_object_get(o, "kernel"));
        if (strcmp(json_string_value(json_object_get(o, "scheme")), scheme) == 0 &&
            strcmp(k ? k : "", kernel) == 0)
            return o;
    }
    return NULL;
}

static const char *verdict(const json_t *o) {
    return json_string_value(json_object_get(o, "verdict"));
}

/* The keys that docs/records.md documents: first cells of its tables. */
static int documented(char key[128][32]) {
    FILE *f = fopen(TARE_DOCS "/records.md", "r");
    char line[512];
    int count = 0;
    cr_assert(f, "docs/records.md");
    while (fgets(line, sizeof line, f))
        count += sscanf(line, "| `%31[a-z0-9_]` |", key[count]) == 1;
    fclose(f);
    return count;
}

Test(record, holds_every_documented_key_and_no_other) {
    static const char *const issue[] = {
        "schema",     "device",  "op",          "m",      "n",          "k",
        "scheme",     "kernel",  "vendor",      "cache",  "n_samples",  "median_ns",
        "p90_ns",     "p99_ns",  "ci95_ns",     "stop",   "bytes",      "pct_peak",
        "bottleneck", "error",   "base_kernel", "ratio",  "ratio_ci95", "ratio_int8",
        "ratio_int4", "verdict", "refusal",     "replay", "env"};
    char key[128][32];
    int count = documented(key);
    run_of r;
    size_t i;
    const json_t *o;
    measure(&r, 0, "f32,w8a8", NULL, BENCH_COLD);
    json_array_foreach(r.records, i, o) {
        cr_assert_str_eq(json_string_value(json_object_get(o, "schema")), BENCH_RECORD_SCHEMA);
        for (int k = 0; k < count; k++) cr_assert(json_object_get(o, key[k]), "no %s", key[k]);
        for (size_t k = 0; k < sizeof issue / sizeof *issue; k++)
            cr_assert(json_object_get(o, issue[k]), "no %s", issue[k]);
        cr_assert_eq((int)json_object_size(o), count, "a key that is not documented");
        cr_assert(json_is_boolean(json_object_get(o, "vendor")));
        cr_assert(json_is_object(json_object_get(o, "env")));
    }
    cr_assert(json_object_get(json_object_get(r.env, "ceilings"), "measured"));
    done(&r);
}

Test(record, a_timed_cell) {
    run_of r;
    measure(&r, 0, "f32", NULL, BENCH_COLD | BENCH_HOT);
    int seen = 0;
    size_t i;
    const json_t *o;
    json_array_foreach(r.records, i, o) {
        if (strcmp(json_string_value(json_object_get(o, "scheme")), "f32") != 0) continue;
        seen++;
        cr_assert_str_eq(json_string_value(json_object_get(o, "kernel")), "fake_row");
        size_t n = (size_t)json_integer_value(json_object_get(o, "n_samples"));
        cr_assert(n >= 6 && json_array_size(json_object_get(o, "samples_ns")) == n);
        cr_assert(json_is_null(json_object_get(o, "p99_ns")) == (n < 500));
        cr_assert(json_number_value(json_object_get(o, "error")) <= 1);
        cr_assert(json_number_value(json_object_get(o, "ratio")) == 1);
        cr_assert(json_number_value(json_object_get(o, "against_ratio")) == 1);
        cr_assert_str_eq(json_string_value(json_object_get(o, "against_scheme")), "f32");
        cr_assert_str_eq(json_string_value(json_object_get(o, "against_kernel")), "fake_row");
        cr_assert(json_is_boolean(json_object_get(o, "against_noisy")));
        cr_assert(json_is_null(json_object_get(o, "ratio_int8")));
        cr_assert(json_is_null(json_object_get(o, "refusal")));
        cr_assert_eq(json_integer_value(json_object_get(json_object_get(o, "parts"), "values")),
                     24 * 40 * 4);
        const char *again = json_string_value(json_object_get(o, "replay"));
        cr_assert(strstr(again, "tare bench -d fake:0 --scheme f32 -m 2 -n 24 -k 40"), "%s", again);
        cr_assert(strstr(again, "--kernel fake_row"));
    }
    cr_assert_eq(seen, 2, "cold and hot");
    done(&r);
}

Test(record, a_refusal_is_data) {
    run_of r;
    measure(&r, 0, "csr@0.9,f32", "all", BENCH_COLD);
    const json_t *o = find(&r, "csr@0.9", "fake_row");
    cr_assert(o);
    cr_assert_str_eq(verdict(o), "UNSUPPORTED");
    cr_assert_str_eq(json_string_value(json_object_get(o, "refusal")), "dense f32 only");
    cr_assert(json_is_null(json_object_get(o, "median_ns")));
    cr_assert(json_is_null(json_object_get(o, "samples_ns")));
    cr_assert(json_is_null(json_object_get(o, "against_kernel")));
    cr_assert(json_is_null(json_object_get(o, "against_ratio_ci95")));
    cr_assert_str_eq(verdict(find(&r, "f32", "fake_row")), "NEUTRAL");
    cr_assert_null(find(&r, "fp8", ""), "no usual baseline");
    done(&r);
}

Test(record, sparse_f8_has_dense_f8_beside_it) {
    run_of r;
    measure(&r, 0, "2:4-fp8", NULL, BENCH_COLD);
    const json_t *o = find(&r, "fp8", "");
    cr_assert(o);
    cr_expect_str_eq(json_string_value(json_object_get(o, "role")), "baseline");
    done(&r);
}

Test(record, a_wrong_kernel_is_never_timed) {
    run_of r;
    measure(&r, 1, "f32", "all", BENCH_COLD);
    const json_t *o = find(&r, "f32", "fake_lazy");
    cr_assert(o);
    cr_assert_str_eq(verdict(o), "WRONG");
    cr_assert(json_is_null(json_object_get(o, "median_ns")));
    cr_assert(json_is_null(json_object_get(o, "error")), "NaN is no JSON number");
    cr_assert(strstr(json_string_value(json_object_get(o, "refusal")), "y[1,0]"));
    cr_assert_str_eq(json_string_value(json_object_get(find(&r, "f32", "fake_row"), "base_kernel")),
                     "fake_row", "the wrong row is no baseline");
    done(&r);
}

Test(record, views) {
    run_of r;
    measure(&r, 0, "f32,w8a8", NULL, BENCH_COLD);
    for (int view = BENCH_TABLE; view <= BENCH_JSONL; view++) {
        char *text = NULL;
        size_t size = 0, lines = 0;
        FILE *f = open_memstream(&text, &size);
        cr_assert_eq(bench_report(f, (enum bench_view)view, r.records), 0);
        fclose(f);
        for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
        cr_assert(strstr(text, "fake_row") && strstr(text, "dense f32 only"));
        if (view == BENCH_CSV) cr_assert_eq(lines, json_array_size(r.records) + 1);
        if (view == BENCH_JSONL) {
            cr_assert_eq(lines, json_array_size(r.records));
            json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
            cr_assert(json_is_object(first));
            json_decref(first);
        }
        free(text);
    }
    cr_assert_eq(bench_view_find("pdf"), 0);
    done(&r);
}

/* In two parts it is the same text, but for widths that only the second part asks for. */
Test(record, views_as_records_come) {
    run_of r;
    measure(&r, 0, "f32,w8a8", NULL, BENCH_COLD | BENCH_HOT);
    for (int view = BENCH_TABLE; view <= BENCH_JSONL; view++) {
        char *text[2] = {NULL, NULL};
        size_t size[2] = {0, 0}, count = json_array_size(r.records);
        json_t *part[2] = {json_array(), json_array()};
        bench_sheet sheet = {.view = (enum bench_view)view, .plan = r.records};
        for (size_t i = 0; i < count; i++)
            json_array_append(part[i >= count / 2], json_array_get(r.records, i));
        FILE *whole = open_memstream(&text[0], &size[0]), *f = open_memstream(&text[1], &size[1]);
        cr_assert_eq(bench_report(whole, (enum bench_view)view, r.records), 0);
        for (int i = 0; i < 2; i++) cr_assert_eq(bench_report_some(f, &sheet, part[i]), 0);
        cr_assert_eq(bench_report_end(f, &sheet, r.records, NULL), 0);
        fclose(whole);
        fclose(f);
        cr_expect_str_eq(text[0], text[1]);
        for (int i = 0; i < 2; i++) {
            free(text[i]);
            json_decref(part[i]);
        }
    }
    done(&r);
}

/* What is foreseen of a run has every column that its records will want. */
Test(record, a_run_is_foreseen) {
    run_of r;
    measure(&r, 0, "f32,w8a8", NULL, BENCH_COLD);
    bench_shape shape = {.name = "a-long-name-of-a-layer", .n = 24, .k = 40, .count = 2};
    bench_suite suite = {.name = "one", .shapes = &shape, .count = 1};
    bench_scheme list[BENCH_SCHEMES_MAX];
    int64_t m[] = {2, 1024};
    int count;
    cr_assert_eq(bench_scheme_list("f32,w4a16", list, &count), TARE_OK);
    bench_sheet sheet = {.view = BENCH_TABLE};
    json_t *plan = bench_foresee(&r.setup, 1, &suite, m, 2, list, count);
    cr_assert(plan);
    sheet.plan = plan;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(bench_report_some(f, &sheet, r.records), 0);
    fclose(f);
    const char *size_column = strstr(text, "m x n x k"), *scheme = strstr(text, "scheme");
    cr_assert(size_column && scheme, "%s", text);
    cr_expect_eq(size_column - text, (long)strlen(shape.name) + 2, "%s", text);
    cr_expect_eq(scheme - size_column, (long)strlen("1024x24x40") + 2, "%s", text);
    cr_expect(!strstr(text, "weights") && !strstr(text, "h2d"), "%s", text);
    free(text);
    json_decref(plan);
    done(&r);
}

/* Whichever allocation fails, the harness ends with an error or a record of it, and leaks nothing
 * (seen by the sanitizer build). */
Test(record, any_allocation_may_fail) {
    bench_setup setup;
    bench_scheme s;
    int failed = 0;
    cr_assert_eq(bench_setup_init(&setup, make_device(0)), TARE_OK);
    setup.noise.absent = 1;
    cr_assert_eq(bench_scheme_parse("csr@0.5", &s), TARE_OK);
    static const char *const few[] = {"f32", "w8a8", NULL};
    setup.baselines = few;
    setup.seconds = 0.001;
    setup.samples = 6;
    for (long n = 1; n <= 60; n++) {
        bench_cells cells = {0};
        bench_shape shape = {.name = "layer", .n = 16, .k = 16, .count = 1};
        tare_alloc_fail_at(n);
        tare_status st = bench_group(&setup, &shape, 2, &s, 1, &cells);
        tare_alloc_fail_at(0);
        failed += st != TARE_OK;
        cr_assert(st == TARE_OK || st == TARE_E_NOMEM, "%ld: %s", n, tare_last_error());
        bench_cells_clear(&cells);
        bench_setup_clear(&setup);
    }
    cr_assert_gt(failed, 5);
}

/* ---- the oracle ---- */

enum { M = 64, N = 200, K = 96 };

typedef struct oracle_case {
    bench_scheme scheme;
    bench_matrix matrix;
    tare_problem p;
    void *x;
    float *y;
    bench_oracle o;
} oracle_case;

static void make_case(oracle_case *c, const char *scheme) {
    double *y = malloc(sizeof(double) * M * N);
    c->y = malloc(sizeof(float) * M * N);
    cr_assert_eq(bench_scheme_parse(scheme, &c->scheme), TARE_OK);
    bench_encoded *e;
    c->matrix = (bench_matrix){0};
    cr_assert_eq(bench_matrix_make(&c->matrix, N, K, 5), TARE_OK);
    cr_assert_eq(bench_data_x(M, K, c->scheme.x, 5, &c->x), TARE_OK);
    cr_assert_eq(bench_matrix_encode(&c->matrix, &c->scheme, &e), TARE_OK);
    c->p = bench_scheme_problem(&c->scheme, &e->t, M);
    cr_assert_eq(tare_reference(&c->p, &e->t, c->x, NULL, y, NULL), TARE_OK);
    for (int i = 0; i < M * N; i++) c->y[i] = (float)y[i];
    cr_assert_eq(bench_oracle_make(&c->scheme, &c->p, e, c->x, 5, &c->o), TARE_OK);
    free(y);
}

static void clear_case(oracle_case *c) {
    bench_oracle_clear(&c->o);
    bench_matrix_clear(&c->matrix);
    tare_free(c->x);
    free(c->y);
}

Test(oracle, accepts_the_right_answer_of_every_kind) {
    static const char *const schemes[] = {"f32",     "w8a8",         "w4a32-g32",
                                          "2:4",     "bsr4x4@0.5",   "bsr16x16@0.5",
                                          "csr@0.8", "bitmap-i8@0.5"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        oracle_case c;
        char what[160];
        make_case(&c, schemes[i]);
        double worst = bench_oracle_check(&c.o, c.y, what);
        cr_assert(worst <= 1, "%s: %g %s", schemes[i], worst, what);
        cr_assert(c.o.row_count < M && c.o.column_y, "%s: all three checks", schemes[i]);
        clear_case(&c);
    }
}

Test(oracle, rejects_what_is_wrong) {
    oracle_case c;
    char what[160];
    make_case(&c, "w8a8");
    float keep[N];
    /* One element a little off, in a row checked in full and in a sampled column. */
    float was = c.y[N + 77];
    c.y[N + 77] = was * 1.001f + 0.001f;
    cr_assert(bench_oracle_check(&c.o, c.y, what) > 1);
    cr_assert(strstr(what, "y[1,77]"), "%s", what);
    c.y[N + 77] = was;
    was = c.y[30 * N];
    c.y[30 * N] = was + 0.01f;
    cr_assert(bench_oracle_check(&c.o, c.y, what) > 1, "the first column is in every row");
    c.y[30 * N] = was;
    /* A row that another one's answer was written to; NaN anywhere. */
    memcpy(keep, c.y + 40 * N, sizeof keep);
    memcpy(c.y + 40 * N, c.y + 41 * N, sizeof keep);
    cr_assert(bench_oracle_check(&c.o, c.y, what) > 1);
    memcpy(c.y + 40 * N, keep, sizeof keep);
    for (int col = 0; col < N; col++) {
        was = c.y[33 * N + col];
        c.y[33 * N + col] = NAN;
        cr_assert(bench_oracle_check(&c.o, c.y, what) > 1, "NaN at column %d", col);
        c.y[33 * N + col] = was;
    }
    cr_assert(bench_oracle_check(&c.o, c.y, what) <= 1);
    clear_case(&c);
}

Test(data, pruning_keeps_the_largest) {
    float *w;
    enum { R = 60, C = 50 };
    cr_assert_eq(bench_data_weights(R, C, 9, &w), TARE_OK);
    float *before = malloc(sizeof(float) * R * C), least = INFINITY, most = 0;
    memcpy(before, w, sizeof(float) * R * C);
    cr_assert_eq(bench_data_prune(w, R, C, 1, 1, 0.9), TARE_OK);
    int kept = 0;
    for (int i = 0; i < R * C; i++) {
        cr_assert(before[i] != 0);
        if (w[i] != 0) {
            cr_assert_eq(w[i], before[i]);
            kept++;
            least = fminf(least, fabsf(w[i]));
        } else {
            most = fmaxf(most, fabsf(before[i]));
        }
    }
    cr_assert_eq(kept, R * C / 10);
    cr_assert(least >= most);
    /* Blocks go as a whole, ragged ones at the edge too. */
    memcpy(w, before, sizeof(float) * R * C);
    cr_assert_eq(bench_data_prune(w, R, C, 4, 16, 0.5), TARE_OK);
    int blocks = 0;
    for (int r = 0; r < R; r += 4)
        for (int c = 0; c < C; c += 16) {
            int here = w[r * C + c] != 0;
            blocks += here;
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 16 && c + j < C; j++)
                    cr_assert_eq(w[(r + i) * C + c + j] != 0, here);
        }
    cr_assert_eq(blocks, 30);
    free(before);
    tare_free(w);
}

Test(data, is_the_same_for_a_seed_on_any_number_of_threads) {
    float *a, *b;
    tare_set_threads(1);
    cr_assert_eq(bench_data_weights(33, 77, 4, &a), TARE_OK);
    tare_set_threads(3);
    cr_assert_eq(bench_data_weights(33, 77, 4, &b), TARE_OK);
    cr_assert_eq(memcmp(a, b, sizeof(float) * 33 * 77), 0);
    tare_free(b);
    cr_assert_eq(bench_data_weights(33, 77, 5, &b), TARE_OK);
    cr_assert_neq(memcmp(a, b, sizeof(float) * 33 * 77), 0);
    tare_free(a);
    tare_free(b);
}
