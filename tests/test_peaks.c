/* Shares of ceilings: no cold cell passes one, whatever the probes saw. */
#include "bench/cell.h"

#include <criterion/criterion.h>
#include <math.h>

/* 10 GB/s from memory and 20 from the cache, 100 GFLOP/s; a cache of 1 MB. */
static bench_setup setup(void) {
    bench_setup s = {.info = {.cache = 1000000}};
    s.rates = (tare_rates){.read_gbs = 10, .cache_gbs = 20, .f32_gflops = 100, .i8_gops = 400};
    return s;
}

static bench_cell cell(enum bench_cache cache, size_t packed, double xy, double ops, double ns) {
    bench_cell c = {.cache = cache, .packed_bytes = packed, .pct_peak = NAN};
    c.plan.bytes = (double)packed + xy;
    c.plan.ops = ops;
    c.plan.unit = TARE_PROBE_F32;
    c.result.n = 30;
    c.result.median_ns = ns;
    return c;
}

static void near(double got, double want) {
    cr_assert(fabs(got - want) < 1e-9 * fabs(want), "%g, not %g", got, want);
}

Test(peaks, a_cold_cell_that_passes_a_ceiling_raises_it_for_all) {
    bench_setup s = setup();
    bench_cell c[] = {cell(BENCH_COLD, 1000, 0, 1, 200), cell(BENCH_COLD, 1000, 0, 1, 80),
                      cell(BENCH_COLD, 1, 0, 1000, 5), cell(BENCH_COLD, 1, 0, 1000, 20)};
    bench_cells all = {c, 4, 4};
    bench_peaks(&s, &all);
    near(s.rates.read_gbs, 12.5);
    near(s.rates.f32_gflops, 200);
    near(s.rates.i8_gops, 400);
    near(c[0].pct_peak, 40);
    near(c[1].pct_peak, 100);
    near(c[2].pct_peak, 100);
    near(c[3].pct_peak, 25);
    cr_assert(c[1].limit == BENCH_MEMORY && c[3].limit == BENCH_COMPUTE);
}

Test(peaks, x_and_y_are_not_read_from_memory) {
    bench_setup s = setup();
    bench_cell c = cell(BENCH_COLD, 1000, 9000, 1, 200);
    bench_cells all = {&c, 1, 1};
    bench_peaks(&s, &all);
    near(s.rates.read_gbs, 10);
    near(c.pct_peak, 50);
}

Test(peaks, hot_cells_say_nothing_of_memory) {
    bench_setup s = setup();
    bench_cell c[] = {cell(BENCH_HOT, 1000, 1000, 1, 10), cell(BENCH_HOT, 2000000, 0, 1, 100000)};
    bench_cells all = {c, 2, 2};
    bench_peaks(&s, &all);
    near(s.rates.cache_gbs, 20);
    near(c[0].pct_peak, 1000);
    near(s.rates.read_gbs, 20); /* the second does not fit into the cache */
    near(c[1].pct_peak, 100);
}

Test(peaks, refused_cells_have_none) {
    bench_setup s = setup();
    bench_cell c = cell(BENCH_COLD, 1000, 0, 1, 1);
    c.result.n = 0;
    bench_cells all = {&c, 1, 1};
    bench_peaks(&s, &all);
    near(s.rates.read_gbs, 10);
    cr_assert(isnan(c.pct_peak));
}
