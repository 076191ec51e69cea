/* The search for break-even shares, over ratios that are known. */
#include "bench/breakeven.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* ratio = (percent / even)^2, known to +-width; 0: five times as fast at any share. */
typedef struct model {
    double even, width;
    bench_point points[BENCH_SHARES];
    int calls;
} model;

static void measure(model *m, int percent) {
    double r = m->even > 0 ? pow((percent + 0.01) / m->even, 2) : 5;
    cr_assert(percent >= 0 && percent < BENCH_SHARES && !m->points[percent].known, "%d", percent);
    m->points[percent] = (bench_point){1, r, r * (1 - m->width), r * (1 + m->width)};
    m->calls++;
}

/* Until it is over, or `most` shares were measured. */
static bench_evens search(model *m, int most) {
    for (int next; m->calls < most && (next = bench_even_next(m->points)) >= 0;) measure(m, next);
    return bench_even_of(m->points);
}

/* The interval holds the truth and is as narrow as the ratio's allows. */
static void check_found(const model *m, const bench_evens *e) {
    cr_assert_eq(e->kind, BENCH_EVEN_AT);
    cr_assert(e->slower < m->even && m->even < e->faster, "%g: %d %d", m->even, e->slower,
              e->faster);
    cr_assert(fabs(e->at - m->even) < 1.5, "%g: %g", m->even, e->at);
    /* 5 % of the ratio is 2.5 % of the share, and a percent of resolution. */
    cr_assert(e->faster - e->slower <= 0.06 * m->even + 2, "%g: %d %d", m->even, e->slower,
              e->faster);
    cr_assert(m->calls <= 16, "%d measurements", m->calls);
}

Test(breakeven, is_found_within_its_interval) {
    for (int even = 2; even < 95; even++) {
        model m = {.even = even + 0.3, .width = 0.05};
        bench_evens e = search(&m, 100);
        check_found(&m, &e);
    }
}

/* A survey before it is made use of. */
Test(breakeven, goes_on_from_what_is_known) {
    for (int even = 2; even < 95; even++) {
        model m = {.even = even + 0.3, .width = 0.05};
        measure(&m, 60);
        measure(&m, 90);
        bench_evens e = search(&m, 100);
        check_found(&m, &e);
    }
}

/* Whenever it is cut, what it says is true, and more measurements never say less. */
Test(breakeven, a_cut_one_says_how_far_it_came) {
    for (int even = 2; even < 95; even += 7) {
        int slower = -1, faster = BENCH_SHARES;
        for (int most = 0; most < 12; most++) {
            model m = {.even = even + 0.3, .width = 0.05};
            bench_evens e = search(&m, most);
            cr_assert(e.slower < m.even && m.even < e.faster);
            cr_assert(e.slower >= slower && e.faster <= faster, "%d measurements", most);
            slower = e.slower;
            faster = e.faster;
            if (bench_even_next(m.points) < 0) break;
            cr_assert_eq(e.kind, BENCH_EVEN_CUT);
            cr_assert(isnan(e.at));
        }
    }
    model none = {.even = 50};
    bench_evens e = bench_even_of(none.points);
    cr_assert(e.kind == BENCH_EVEN_CUT && e.slower == -1 && e.faster == BENCH_SHARES);
    cr_assert_str_eq(bench_even_name(e.kind), "cut");
}

Test(breakeven, always_never_unclear) {
    model m = {.even = 0, .width = 0.05};
    bench_evens e = search(&m, 100);
    cr_assert_eq(e.kind, BENCH_EVEN_ALWAYS);
    cr_assert_eq(m.calls, 2, "both ends");
    m = (model){.even = 200, .width = 0.05};
    e = search(&m, 100);
    cr_assert_eq(e.kind, BENCH_EVEN_NEVER);
    cr_assert(isnan(e.at));
    cr_assert_eq(m.calls, 1, "99 %% alone says it");
    m = (model){.even = 99, .width = 0.05};
    e = search(&m, 100);
    cr_assert_eq(e.kind, BENCH_EVEN_UNCLEAR);
}

/* Speed that does not grow with the share: the search ends, and claims nothing that a measurement
 * spoke against. */
Test(breakeven, noise_does_not_widen_a_claim) {
    model m = {.even = 50, .width = 0.05};
    for (int i = 0; i < 3; i++) measure(&m, (int[]){20, 60, 80}[i]);
    m.points[80] = (bench_point){1, 1, 0.9, 1.1};
    bench_evens e = search(&m, 100);
    cr_assert_eq(e.kind, BENCH_EVEN_AT);
    cr_assert(e.faster > 80, "%d", e.faster);
}
