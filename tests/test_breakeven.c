/* The search for break-even shares, over ratios that are known. */
#include "bench/breakeven.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* ratio = (percent / even)^2, known to +-width. */
typedef struct model {
    double even, width;
    int calls, fail_at;
} model;

static tare_status measure(void *ctx, int percent, bench_point *out) {
    model *m = ctx;
    if (++m->calls == m->fail_at) return TARE_E_DEVICE;
    double r = m->even > 0 ? pow((percent + 0.01) / m->even, 2) : 5;
    *out = (bench_point){.ratio = r, .lo = r * (1 - m->width), .hi = r * (1 + m->width)};
    return TARE_OK;
}

static tare_status search(model *m, bench_evens *out) {
    bench_point points[BENCH_SHARES];
    memset(points, 0, sizeof points);
    bench_search s = {measure, m, points};
    return bench_breakeven(&s, out);
}

Test(breakeven, is_found_within_its_interval) {
    for (int even = 2; even < 95; even++) {
        model m = {.even = even + 0.3, .width = 0.05};
        bench_evens e;
        cr_assert_eq(search(&m, &e), TARE_OK);
        cr_assert_eq(e.kind, BENCH_EVEN_AT);
        cr_assert(e.slower < m.even && m.even < e.faster, "%g: %d %d", m.even, e.slower, e.faster);
        cr_assert(fabs(e.at - m.even) < 1.5, "%g: %g", m.even, e.at);
        /* 5 % of the ratio is 2.5 % of the share, and a percent of resolution. */
        cr_assert(e.faster - e.slower <= 0.06 * m.even + 2, "%g: %d %d", m.even, e.slower,
                  e.faster);
        cr_assert(m.calls <= 16, "%d measurements", m.calls);
    }
}

Test(breakeven, always_never_unclear) {
    bench_evens e;
    model m = {.even = 0, .width = 0.05};
    cr_assert_eq(search(&m, &e), TARE_OK);
    cr_assert_eq(e.kind, BENCH_EVEN_ALWAYS);
    cr_assert_eq(m.calls, 1);
    m = (model){.even = 200, .width = 0.05};
    cr_assert_eq(search(&m, &e), TARE_OK);
    cr_assert_eq(e.kind, BENCH_EVEN_NEVER);
    cr_assert(isnan(e.at));
    m = (model){.even = 99, .width = 0.05};
    cr_assert_eq(search(&m, &e), TARE_OK);
    cr_assert_eq(e.kind, BENCH_EVEN_UNCLEAR);
}

Test(breakeven, errors_end_it) {
    bench_evens e;
    model m = {.even = 50, .width = 0.05, .fail_at = 4};
    cr_assert_eq(search(&m, &e), TARE_E_DEVICE);
    cr_assert_eq(m.calls, 4);
}
