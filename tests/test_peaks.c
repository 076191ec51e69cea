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

/* ---- transfers ---- */

static bench_cell moved(enum bench_weights weights, double h2d, double kernel, double d2h) {
    bench_cell c = cell(BENCH_COLD, 1000, 0, 1, h2d + kernel + d2h);
    c.weights = weights;
    c.transfer = (bench_transfer){h2d, kernel, d2h, h2d + kernel + d2h};
    return c;
}

Test(peaks, transfers_that_take_longer_than_kernels_are_named) {
    static const struct {
        enum bench_weights weights;
        double h2d, kernel, d2h;
        int transfer;
    } is[] = {{BENCH_STREAMED, 900, 500, 10, 1},  {BENCH_STREAMED, 400, 500, 10, 0},
              {BENCH_RESIDENT, 300, 500, 250, 1}, {BENCH_RESIDENT, 200, 500, 250, 0},
              {BENCH_RESIDENT, 10, 500, 600, 1},  {BENCH_RESIDENT, 250, 500, 250, 0}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        bench_setup s = setup();
        s.rates.h2d_gbs = s.rates.d2h_gbs = 100;
        bench_cell c = moved(is[i].weights, is[i].h2d, is[i].kernel, is[i].d2h);
        c.plan.transfer_ns = 400; /* above the kernel's floor: what was measured decides */
        bench_cells all = {&c, 1, 1};
        bench_peaks(&s, &all);
        cr_expect_eq(c.limit == BENCH_TRANSFER, is[i].transfer, "case %zu: %s", i,
                     bench_limit_name(c.limit));
    }
}

/* Without a clock of the device the measured rates decide: 1000 bytes at 1 GB/s against a floor of
 * 100 ns, and at 100 GB/s. Weights that stay are not moved. */
Test(peaks, without_a_clock_the_rates_decide) {
    for (int fast = 0; fast < 2; fast++)
        for (int streamed = 0; streamed < 2; streamed++) {
            bench_setup s = setup();
            s.rates.h2d_gbs = s.rates.d2h_gbs = fast ? 100 : 1;
            bench_cell c = moved(streamed ? BENCH_STREAMED : BENCH_RESIDENT, NAN, NAN, NAN);
            c.result.median_ns = 5000;
            bench_cells all = {&c, 1, 1};
            bench_peaks(&s, &all);
            cr_expect_eq(c.limit == BENCH_TRANSFER, streamed && !fast, "fast %d, streamed %d: %s",
                         fast, streamed, bench_limit_name(c.limit));
            c.plan.transfer_ns = 101; /* x and y of a cell whose weights stay */
            bench_peaks(&s, &all);
            cr_expect_eq(c.limit, BENCH_TRANSFER);
        }
}

/* The host's memory: nothing is moved, whatever the rates say. */
Test(peaks, host_memory_knows_no_transfers) {
    bench_setup s = setup();
    bench_cell c = cell(BENCH_COLD, 1000, 1000000, 1, 5000);
    c.transfer = (bench_transfer){NAN, NAN, NAN, 5000};
    c.weights = BENCH_RESIDENT;
    bench_cells all = {&c, 1, 1};
    bench_peaks(&s, &all);
    cr_assert_eq(c.limit, BENCH_MEMORY);
}
