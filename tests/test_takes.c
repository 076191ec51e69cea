/* Every row of every device against problems that nobody told it of: value types, layouts, ways of
 * scaling, types of x and y, ops and flags that do not exist, and existing ones that do not go
 * together. `fit` is asked directly, as a library of another day would: what tare_problem_check
 * refuses, no row may accept. That what they do accept is right is checkall's matter. */
#include "src/takes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int values[] = {0, 1, 2, 3, 4, 5, 6, 7, 31, 32, 99, -1};
static const int layouts[] = {0, 1, 2, 3, 4, 5, 6, 31, 32, 99, -1};
static const int scalings[] = {0, 1, 2, 3, 4, 99, -1};
static const int types[] = {TARE_F32, TARE_F16, TARE_BF16, TARE_F8, 7, 99};
static const uint32_t flags[] = {0,           TARE_X_I8,    TARE_X_F8,   TARE_X_I8 | TARE_X_F8,
                                 TARE_TF32,   TARE_SUM_F16, TARE_SUM_F8, TARE_X_F8 | TARE_SUM_F8,
                                 TARE_W_ROUND};
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

typedef struct asked {
    tare_device *d;
    const tare_kernel *row;
    long refused, accepted;
    char what[200];
} asked;

/* A problem that the public door refuses is put to the row. */
static void ask(asked *a, const tare_problem *p) {
    tare_fit f;
    if (tare_problem_check(p) == TARE_OK) return;
    memset(&f, 0, sizeof f);
    if (!a->row->fit(&a->d->rates, p, &f) && f.why[0]) {
        a->refused++;
        return;
    }
    if (!a->accepted++)
        snprintf(a->what, sizeof a->what,
                 "%s: value %d layout %d scaling %d zero points %d group %d x %d y %d op %d flags "
                 "0x%x",
                 a->row->name, (int)p->w.value, (int)p->w.layout, (int)p->w.scaling,
                 (int)p->w.zero_points, (int)p->w.group, (int)p->x, (int)p->y, (int)p->op,
                 (unsigned)p->flags);
}

/* Fields that go with a layout; others get those of `like`. */
static tare_format shaped(int layout, int like) {
    tare_format f = {.layout = (tare_layout)layout};
    if (layout >= TARE_DENSE && layout <= TARE_BITMAP) like = layout;
    if (like == TARE_NM) f.nm_n = 2, f.nm_m = 4;
    if (like == TARE_BLOCK) f.block_r = f.block_c = 64;
    return f;
}

/* Types, flags and ops of all kinds around weights that exist. */
static void around(asked *a, tare_problem p) {
    for (int i = 0; i < COUNT(types) * COUNT(types); i++) {
        p.x = (tare_type)types[i / COUNT(types)];
        p.y = (tare_type)types[i % COUNT(types)];
        for (int j = 0; j < COUNT(flags); j++) {
            p.flags = flags[j];
            ask(a, &p);
        }
    }
    for (int i = 0; i < 9 * 24; i++) { /* unknown flags */
        p.x = p.y = (tare_type)types[i % 3];
        p.flags = flags[i / 3 % 3] | 1u << (8 + i / 9);
        ask(a, &p);
    }
    for (int i = 0; i < 9 * 3; i++) { /* unknown ops */
        p.op = (tare_op)(i / 9 == TARE_MATMUL ? 99 : i / 9);
        p.x = p.y = (tare_type)types[i % 3];
        p.flags = flags[i / 3 % 3];
        ask(a, &p);
    }
}

/* What rows differ in, around weights that do not exist. */
static void around_odd(asked *a, tare_problem p) {
    for (int i = 0; i < 9; i++) {
        p.x = p.y = (tare_type)types[i % 3];
        p.flags = flags[i / 3];
        ask(a, &p);
    }
}

static void ask_all(asked *a) {
    static const int likes[] = {TARE_DENSE, TARE_NM, TARE_BLOCK};
    for (int l = 0; l < COUNT(layouts); l++)
        for (int i = 0; i < COUNT(values) * COUNT(scalings) * 3 * COUNT(likes); i++) {
            int v = i / (COUNT(scalings) * 9), s = i / 9 % COUNT(scalings);
            tare_problem p = {.op = TARE_MATMUL, .m = 4, .n = 64, .k = 128, .nnz = 64 * 128};
            if (layouts[l] >= TARE_DENSE && layouts[l] <= TARE_BITMAP && i % 3) continue;
            p.w = shaped(layouts[l], likes[i % 3]);
            p.w.value = (tare_type)values[v];
            p.w.scaling = (tare_scaling)scalings[s];
            p.w.zero_points = i / 3 % 3;
            p.w.group = p.w.scaling == TARE_SCALE_GROUP ? 64 : 0;
            if (p.w.layout == TARE_NM) p.nnz /= 2;
            if (tare_format_check(&p.w) == TARE_OK)
                around(a, p);
            else
                around_odd(a, p);
        }
}

/* Asked for by the CTest entries that look for a backend, so that none passes without it. */
static void expect_devices(void) {
    const char *want = getenv("TARE_TEST_WANTS");
    int found = !want;
    for (int i = 0; i < tare_device_count() && !found; i++)
        found = strncmp(tare_device_get(i)->info.id, want, strlen(want)) == 0;
    cr_assert(found, "no device of %s", want);
}

Test(takes, no_row_takes_what_it_does_not_know, .timeout = 600) {
    int rows = 0;
    expect_devices();
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
            asked a = {.d = d, .row = *row};
            char why[160];
            if (!tare_plan_features(d, *row, why)) continue; /* no pointer of it may be called */
            ask_all(&a);
            cr_expect_eq(a.accepted, 0, "%s, %ld such", a.what, a.accepted);
            cr_expect_gt(a.refused, 10000);
            rows++;
        }
    }
    cr_expect_gt(rows, 10);
}

/* The same on the public side. */
static void refused(const char *format, tare_problem p) {
    cr_expect_neq(tare_problem_check(&p), TARE_OK, "%s", format);
    cr_expect_neq(strlen(tare_last_error()), 0, "%s", format);
}

Test(takes, the_public_door_refuses_them_too) {
    static const char *const names[] = {"f32",     "i8-row",  "i4-g64",        "f8-row",
                                        "csr/f16", "2:4/f32", "bitmap/i8-row", "bs4x4/bf16"};
    for (int i = 0; i < COUNT(names); i++) {
        tare_tensor t = {.n = 64, .k = 128, .nnz = 64 * 128};
        cr_assert_eq(tare_format_parse(names[i], &t.format), TARE_OK);
        if (t.format.layout == TARE_NM) t.nnz /= 2;
        tare_problem p = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, 0), q = p;
        cr_assert_eq(tare_problem_check(&p), TARE_OK, "%s: %s", names[i], tare_last_error());
        q = p, q.w.value = (tare_type)99, refused(names[i], q);
        q = p, q.w.value = (tare_type)0, refused(names[i], q);
        q = p, q.w.layout = (tare_layout)99, refused(names[i], q);
        q = p, q.w.layout = (tare_layout)0, refused(names[i], q);
        q = p, q.w.scaling = (tare_scaling)99, refused(names[i], q);
        q = p, q.w.zero_points = 2, refused(names[i], q);
        q = p, q.x = (tare_type)99, refused(names[i], q);
        q = p, q.y = TARE_F8, refused(names[i], q);
        q = p, q.op = (tare_op)2, refused(names[i], q);
        q = p, q.flags = 1u << 8, refused(names[i], q);
        q = p, q.flags = 1u << 31, refused(names[i], q);
    }
}

static const char *why_not(const tare_takes *t, const char *format, tare_type x, uint32_t f) {
    static char why[160];
    tare_tensor w = {.n = 64, .k = 128, .nnz = 64 * 128};
    cr_assert_eq(tare_format_parse(format, &w.format), TARE_OK);
    tare_problem p = tare_problem_matmul(&w, 4, x, TARE_F32, f);
    snprintf(why, sizeof why, "%s", "taken");
    cr_expect_eq(tare_takes_problem(t, &p, why), strcmp(why, "taken") == 0);
    return why;
}

Test(takes, a_refusal_says_what_is_taken) {
    static const tare_takes t = {.layouts = TAKES(TARE_DENSE) | TAKES(TARE_CSR),
                                 .codings = TAKES_F16 | TAKES_I8_PLAIN,
                                 .x = TAKES(TARE_F32) | TAKES(TARE_F16),
                                 .y = TAKES(TARE_F32),
                                 .flags = TAKES_X_FLOAT};
    static const tare_takes q = {.layouts = TAKES(TARE_DENSE),
                                 .codings = TAKES_I8,
                                 .x = TAKES_FLOAT_TYPES,
                                 .y = TAKES_FLOAT_TYPES,
                                 .flags = TAKES_X_I8,
                                 .wants = TARE_X_I8};
    cr_expect_str_eq(why_not(&t, "csr/f16", TARE_F32, 0), "taken");
    cr_expect_str_eq(why_not(&t, "bitmap/f16", TARE_F32, 0), "takes dense, CSR weights");
    cr_expect_str_eq(why_not(&t, "f32", TARE_F32, 0), "takes f16, i8 values");
    cr_expect_str_eq(why_not(&t, "i8-g64", TARE_F32, 0), "takes i8-tensor, i8-row values");
    cr_expect_str_eq(why_not(&t, "i8-row-z", TARE_F32, 0), "takes i8-tensor, i8-row values");
    cr_expect_str_eq(why_not(&t, "i8-row", TARE_F32, TARE_X_I8), "takes float activations");
    cr_expect_str_eq(why_not(&t, "f16", TARE_BF16, 0), "takes x in f32, f16");
    cr_expect_str_eq(why_not(&t, "f16", TARE_F32, 1u << 20), "does not know the flags 0x100000");
    cr_expect_str_eq(why_not(&q, "i8-row", TARE_F32, 0), "takes int8 activations");
    cr_expect_str_eq(why_not(&q, "i8-row-z", TARE_F32, TARE_X_I8), "taken");
}
