/* Totals over a model, from cells that were made up. */
#include "bench/record.h"
#include "bench/total.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bench_shape shapes[] = {{.name = "qkv", .n = 4, .k = 4, .count = 3},
                               {.name = "up", .n = 8, .k = 4, .count = 2},
                               {.name = "head", .n = 9, .k = 4, .count = 1}};
enum { LAYERS = sizeof shapes / sizeof *shapes, CELLS = 64 };
static const bench_suite suite = {.name = "made-up", .shapes = shapes, .count = LAYERS};
static tare_device device;

typedef struct table {
    bench_cell cell[CELLS];
    int count;
} table;

/* A cell of `layer`. The i-th draws of all of them share a spell of the machine, which a ratio must
 * not see, and have `spread` of their own. */
static bench_cell *add(table *t, int layer, const char *scheme, double ns, double spread) {
    bench_cell *c = &t->cell[t->count++];
    *c = (bench_cell){.device = &device, .shape = shapes[layer], .m = 1, .asked = 1};
    cr_assert_eq(bench_scheme_parse(scheme, &c->scheme), TARE_OK);
    snprintf(c->kernel, sizeof c->kernel, "row_%s", scheme);
    c->cache = BENCH_COLD;
    c->weights = BENCH_RESIDENT;
    c->timing = BENCH_BY_HOST;
    c->packed_bytes = 100;
    c->verdict = BENCH_NEUTRAL;
    c->result.n = 100;
    c->result.batch = 1;
    c->result.median_ns = ns;
    c->result.draw = malloc(BENCH_DRAWS * sizeof *c->result.draw);
    for (int d = 0; d < BENCH_DRAWS; d++) {
        double spell = 1 + 0.3 * (d % 7), own = 1 + spread * ((d * 37 % 101) / 50.0 - 1);
        c->result.draw[d] = ns * spell * own;
    }
    for (int i = 0; i < BENCH_SLICES; i++)
        c->result.slice_median[i] = ns * (1 + 0.3 * (i % 7)) * (i % 2 ? 1 + spread : 1 - spread);
    return c;
}

static bench_cell *refuse(table *t, int layer, const char *scheme, const char *why) {
    bench_cell *c = add(t, layer, scheme, 1, 0);
    free(c->result.draw);
    memset(&c->result, 0, sizeof c->result);
    c->verdict = BENCH_UNSUPPORTED;
    snprintf(c->refusal, sizeof c->refusal, "%s", why);
    return c;
}

static void fill(table *t, const char *scheme, const double ns[LAYERS]) {
    for (int i = 0; i < LAYERS; i++) add(t, i, scheme, ns[i], 0.001);
}

static bench_models totals(const table *t) {
    bench_models m;
    cr_assert_eq(bench_models_make(&suite, &device, t->cell, t->count, &m), TARE_OK);
    return m;
}

static const bench_model *of(const bench_models *all, const char *scheme) {
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->model[i].scheme.name, scheme) == 0) return &all->model[i];
    cr_assert_fail("no total of %s", scheme);
    return NULL;
}

static void clear(table *t, bench_models *m) {
    bench_models_clear(m);
    for (int i = 0; i < t->count; i++) free(t->cell[i].result.draw);
}

/* f32 is faster in one layer, bf16 over all: bf16 it is, throughout. */
Test(total, one_dense_float_scheme_is_the_measure) {
    table t = {.count = 0};
    fill(&t, "f32", (double[]){1000, 4000, 100});
    fill(&t, "bf16", (double[]){1500, 2000, 300});
    fill(&t, "w8a8", (double[]){800, 1000, 100});
    fill(&t, "w4a16", (double[]){400, 1000, 200});
    fill(&t, "csr@0.9", (double[]){2000, 3000, 200});
    bench_models m = totals(&t);
    const bench_model *f32 = of(&m, "f32"), *bf16 = of(&m, "bf16"), *w8 = of(&m, "w8a8"),
                      *w4 = of(&m, "w4a16-g128"), *csr = of(&m, "csr@0.9");
    cr_expect_eq(m.count, 5);
    cr_expect_eq(f32->sum.ns, 3 * 1000 + 2 * 4000 + 100);
    cr_expect_eq(bf16->sum.ns, 3 * 1500 + 2 * 2000 + 300);
    cr_expect_eq(bf16->packed_bytes, 600);
    for (int i = 0; i < m.count; i++) {
        cr_expect_eq(m.model[i].vs_float.base, bf16);
        cr_expect_eq(m.model[i].vs_int8.base, w8);
        cr_expect_eq(m.model[i].vs_int4.base, w4);
    }
    cr_expect(bf16->vs_float.ratio == 1 && bf16->vs_float.lo == 1 && bf16->vs_float.hi == 1);
    cr_expect_float_eq(w8->vs_float.ratio, 8800.0 / 4500, 1e-9);
    cr_expect_float_eq(csr->vs_int8.ratio, 4500.0 / 12200, 1e-9);
    cr_expect_float_eq(csr->vs_int4.ratio, 3400.0 / 12200, 1e-9);
    cr_expect_eq(bench_model_verdict(bf16), BENCH_NEUTRAL);
    cr_expect_eq(bench_model_verdict(w8), BENCH_HELPS);
    cr_expect_eq(bench_model_verdict(csr), BENCH_HURTS);
    clear(&t, &m);
}

/* Draws of a layer belong together: a spell that all cells shared is in no ratio. */
Test(total, the_interval_is_that_of_the_ratio) {
    table t = {.count = 0};
    fill(&t, "f32", (double[]){1000, 1000, 1000});
    fill(&t, "w8a8", (double[]){500, 500, 500});
    bench_models m = totals(&t);
    const bench_versus *v = &of(&m, "w8a8")->vs_float;
    cr_expect(v->lo <= v->ratio && v->ratio <= v->hi, "%g %g %g", v->lo, v->ratio, v->hi);
    cr_expect(v->lo > 1.9 && v->hi < 2.1, "%g %g", v->lo, v->hi);
    clear(&t, &m);
}

Test(total, a_refused_layer_leaves_it_incomplete) {
    table t = {.count = 0};
    fill(&t, "f32", (double[]){1000, 1000, 1000});
    add(&t, 0, "bf16", 1, 0.001);
    add(&t, 2, "bf16", 1, 0.001);
    refuse(&t, 1, "bf16", "no such kernel");
    add(&t, 1, "w8a8", 10, 0.001);
    bench_models m = totals(&t);
    const bench_model *bf16 = of(&m, "bf16"), *w8 = of(&m, "w8a8");
    cr_expect_eq(bf16->timed, 2);
    cr_expect(!bench_model_whole(bf16) && !bf16->vs_float.base && isnan(bf16->vs_float.ratio));
    cr_expect_eq(of(&m, "f32")->vs_float.base, of(&m, "f32"), "half a model is no measure");
    cr_expect_eq((int)bench_model_verdict(bf16), 0);
    cr_expect_eq((int)bench_model_verdict(w8), 0);
    clear(&t, &m);
}

Test(total, noisy_and_unresolved_layers_decide_nothing) {
    table t = {.count = 0};
    fill(&t, "f32", (double[]){1000, 1000, 1000});
    fill(&t, "w8a8", (double[]){500, 500, 500});
    t.cell[4].result.noise.noisy = 1;
    fill(&t, "w8a16", (double[]){500, 500, 500});
    t.cell[7].tick_ns = 1000;
    bench_models m = totals(&t);
    cr_expect_eq(bench_model_verdict(of(&m, "w8a8")), BENCH_INCONCLUSIVE);
    cr_expect(of(&m, "w8a8")->vs_float.ratio == 2, "which is told all the same");
    cr_expect_eq(bench_model_verdict(of(&m, "w8a16")), BENCH_INCONCLUSIVE);
    cr_expect(isnan(of(&m, "w8a16")->vs_float.ratio));
    cr_expect_eq(bench_model_verdict(of(&m, "f32")), BENCH_NEUTRAL);
    clear(&t, &m);
    t.count = 0; /* and where the measure itself is noisy, nobody is judged by it */
    fill(&t, "f32", (double[]){1000, 1000, 1000});
    fill(&t, "w8a8", (double[]){500, 500, 500});
    t.cell[0].result.noise.noisy = 1;
    m = totals(&t);
    cr_expect_eq(bench_model_verdict(of(&m, "w8a8")), BENCH_INCONCLUSIVE);
    clear(&t, &m);
}

/* Each kind of cell has its totals, and is compared within it. */
Test(total, kinds_are_not_mixed) {
    table t = {.count = 0};
    fill(&t, "f32", (double[]){1000, 1000, 1000});
    fill(&t, "f32", (double[]){100, 100, 100});
    for (int i = 3; i < 6; i++) t.cell[i].cache = BENCH_HOT;
    fill(&t, "f32", (double[]){10, 10, 10});
    for (int i = 6; i < 9; i++) t.cell[i].m = 8;
    fill(&t, "w8a8", (double[]){500, 500, 500});
    fill(&t, "w8a16", (double[]){500, 500, 500});
    t.cell[13].timing = BENCH_BY_EVENTS;
    tare_device other;
    fill(&t, "f32", (double[]){1, 1, 1});
    for (int i = 15; i < 18; i++) t.cell[i].device = &other;
    bench_models m = totals(&t);
    cr_expect_eq(m.count, 5);
    cr_expect_eq(of(&m, "w8a8")->vs_float.ratio, 2);
    cr_expect_eq((int)of(&m, "w8a16")->timing, (int)BENCH_AUTO, "by two clocks");
    cr_expect(isnan(of(&m, "w8a16")->vs_float.ratio));
    clear(&t, &m);
}

/* --kernel all: of several rows of a scheme a layer has its fastest; a baseline beside the row that
 * was asked for is another total. */
Test(total, the_fastest_row_of_each_layer) {
    table t = {.count = 0};
    fill(&t, "f32", (double[]){1000, 1000, 1000});
    fill(&t, "f32", (double[]){2000, 500, 2000});
    refuse(&t, 0, "f32", "another row that refused");
    fill(&t, "f32", (double[]){1, 1, 1});
    for (int i = 7; i < 10; i++) t.cell[i].asked = 0;
    bench_models m = totals(&t);
    cr_expect_eq(m.count, 2);
    cr_expect_eq(m.model[0].sum.ns, 3 * 1000 + 2 * 500 + 1000);
    cr_expect_eq(m.model[1].sum.ns, 6);
    clear(&t, &m);
}

/* ---- what is written of them ---- */

static char *view_of(enum bench_view view, const json_t *records) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(bench_report_totals(f, view, records), 0);
    fclose(f);
    return text;
}

Test(total, records_and_views) {
    table t = {.count = 0};
    bench_setup s = {.device = &device};
    strcpy(s.info.id, "cpu");
    fill(&t, "f32", (double[]){1e6, 1e6, 1e6});
    fill(&t, "w8a8", (double[]){5e5, 5e5, 5e5});
    t.cell[4].verdict = BENCH_INCONCLUSIVE;
    refuse(&t, 1, "2:4", "k is no multiple of 4");
    add(&t, 0, "2:4", 10, 0.001);
    json_t *env = json_object(), *all = json_array();
    cr_assert_eq(bench_total_records(&suite, &s, t.cell, t.count, env, all), TARE_OK);
    cr_assert_eq(json_array_size(all), 3);
    const json_t *w8 = json_array_get(all, 1), *nm = json_array_get(all, 2);
    cr_expect_str_eq(json_string_value(json_object_get(w8, "schema")), "tare-total-1");
    cr_expect_eq(json_number_value(json_object_get(w8, "model_ns")), 3e6);
    cr_expect_eq(json_number_value(json_object_get(w8, "ratio")), 2);
    cr_expect_str_eq(json_string_value(json_object_get(w8, "base_scheme")), "f32");
    cr_expect_str_eq(json_string_value(json_object_get(w8, "verdict")), "HELPS");
    cr_expect_eq(json_array_size(json_object_get(w8, "inconclusive_layers")), 1);
    cr_expect_str_eq(json_string_value(json_object_get(nm, "verdict")), "INCOMPLETE");
    cr_expect(json_is_null(json_object_get(nm, "model_ns")));
    const json_t *gone = json_object_get(nm, "missing");
    cr_assert_eq(json_array_size(gone), 2);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(gone, 0), "refusal")),
                     "k is no multiple of 4");
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(gone, 1), "refusal")),
                     "not measured");
    char *table_text = view_of(BENCH_TABLE, all), *md = view_of(BENCH_MD, all),
         *csv = view_of(BENCH_CSV, all), *lines = view_of(BENCH_JSONL, all);
    cr_expect(strstr(table_text, "HELPS; INCONCLUSIVE alone: up"), "%s", table_text);
    cr_expect(strstr(table_text, "INCOMPLETE; without up head"), "%s", table_text);
    cr_expect(strstr(md, "| f32* "), "%s", md);
    cr_expect_str_empty(csv, "one kind of row");
    cr_expect(strstr(lines, "\"schema\":\"tare-total-1\""));
    char *texts[] = {table_text, md, csv, lines};
    for (int i = 0; i < 4; i++) free(texts[i]);
    json_decref(all);
    json_decref(env);
    for (int i = 0; i < t.count; i++) free(t.cell[i].result.draw);
}
