/* The scale weighs itself, on a device whose clock says what the test wants: equals are found
 * equal, planted faults are found, luck of placement is not taken for a difference. */
#include "bench/zero.h"
#include "src/internal.h"
#include "tests/fake_backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 48, K = 64, KERNEL = 10000 };

static tare_backend backend;
static tare_backend_ops ops;
static tare_kernel row;
static const tare_kernel *rows[2] = {&row, NULL};
static double spent, luck; /* luck: how far placements differ */

static tare_status open_device(int index, tare_device_info *info, tare_rates *rates,
                               uint64_t *features, void **state) {
    tare_status s = fake_backend.ops->open(index, info, rates, features, state);
    info->cache = 100000;
    info->memory = (int64_t)1 << 30;
    return s;
}

/* A normal number that is a packed copy's own: by the order in which copies were first seen. */
static double share_of(const void *packed) {
    enum { MOST = 64 };
    static const void *seen[MOST];
    static double share[MOST];
    static bench_rng rng = {{1, 2, 3, 4}};
    static int count;
    for (int i = 0; i < count; i++)
        if (seen[i] == packed) return share[i];
    if (count == MOST) count = 0;
    seen[count] = packed;
    return share[count++] = bench_rng_normal(&rng);
}

static tare_status run_row(const tare_run_args *a) {
    spent += KERNEL * (1 + luck * share_of(a->packed));
    return fake_backend.rows[0]->run(a);
}

static tare_status times(void *state, void *stream, tare_times *out) {
    (void)state, (void)stream;
    *out = (tare_times){.kernel_ns = spent};
    spent = 0;
    return TARE_OK;
}

/* The fake device with that clock, from the first time on. */
static void make_setup(bench_setup *s) {
    tare_device *d;
    row = *fake_backend.rows[0];
    row.run = run_row;
    ops = *fake_backend.ops;
    ops.open = open_device;
    ops.stream_times = times;
    backend = fake_backend;
    backend.ops = &ops;
    backend.rows = rows;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    cr_assert_eq(bench_setup_init(s, d), TARE_OK);
    cr_assert_eq(s->timing, BENCH_BY_EVENTS);
    s->seconds = 0.01;
    s->window = 0; /* the host decides nothing: not its time, not its noise */
    s->noise.absent = 1;
}

static void weigh(enum bench_plant plant, int cycles, bench_zero *z) {
    static const bench_shape shapes[] = {{.name = "a", .n = N, .k = K, .count = 1},
                                         {.name = "b", .n = N, .k = 2 * K, .count = 1}};
    bench_setup s;
    bench_scheme f32;
    make_setup(&s);
    cr_assert_eq(bench_scheme_parse("f32", &f32), TARE_OK);
    s.plant = plant;
    memset(z, 0, sizeof *z);
    for (int i = 0; i < cycles; i++) { /* each call goes through the shapes once */
        bench_zero one = {0};
        s.seed = (uint64_t)i + 1;
        cr_assert_eq(bench_zero_run(&s, shapes, 2, 2, &f32, 1, 1e-9, &one), TARE_OK, "%s",
                     tare_last_error());
        cr_assert_eq(one.cycles, 1);
        cr_assert(one.rows == 2 && one.all.pairs == 2 && one.all.intervals == 4);
        z->all.pairs += one.all.pairs;
        z->all.helps += one.all.helps;
        z->all.hurts += one.all.hurts;
        z->all.neutral += one.all.neutral;
        z->all.open += one.all.open;
        bench_zero_clear(&one);
    }
    bench_setup_clear(&s);
    cr_assert_eq(fake.live, 0);
}

Test(zero, equals_are_equal) {
    bench_zero z;
    weigh(BENCH_PLANT_NONE, 5, &z);
    cr_expect_eq(z.all.neutral, z.all.pairs);
    cr_expect_eq(bench_zero_exit(&z), 0);
}

Test(zero, a_slow_twin_is_found) {
    bench_zero z;
    weigh(BENCH_PLANT_SLOW, 5, &z);
    cr_expect_eq(z.all.hurts, z.all.pairs, "%d of %d", z.all.hurts, z.all.pairs);
    cr_expect_eq(bench_zero_exit(&z), 1);
}

Test(zero, a_clock_that_wanders_leaves_no_verdict) {
    bench_zero z;
    weigh(BENCH_PLANT_NOISE, 20, &z);
    cr_expect_gt(z.all.open, 0.9 * z.all.pairs, "%d of %d", z.all.open, z.all.pairs);
    cr_expect_leq(z.all.helps + z.all.hurts, 0.05 * z.all.pairs);
    cr_expect_eq(bench_zero_exit(&z), 5);
}

Test(zero, luck_of_placement_is_no_difference) {
    bench_zero z;
    luck = 0.05;
    weigh(BENCH_PLANT_NONE, 40, &z);
    cr_expect_leq(z.all.helps + z.all.hurts, 0.05 * z.all.pairs, "%d + %d of %d", z.all.helps,
                  z.all.hurts, z.all.pairs);
    cr_expect_neq(bench_zero_exit(&z), 1);
}

/* A field has room for the twins of all: two schemes of one row each. */
Test(zero, every_scheme_has_its_twin) {
    static const char *const names[] = {"f32", "tf32", "csr@0.5"};
    static const bench_shape shape = {.name = "a", .n = N, .k = K, .count = 1};
    bench_scheme schemes[3];
    bench_setup s;
    bench_zero z = {0};
    make_setup(&s);
    for (int i = 0; i < 3; i++) cr_assert_eq(bench_scheme_parse(names[i], &schemes[i]), TARE_OK);
    cr_assert_eq(bench_zero_run(&s, &shape, 1, 2, schemes, 3, 1e-9, &z), TARE_OK);
    cr_expect(z.rows >= 1 && z.all.pairs == z.rows && z.all.neutral == z.rows, "%d rows", z.rows);
    bench_zero_clear(&z);
    bench_setup_clear(&s);
    cr_assert_eq(fake.live, 0);
}

Test(zero, exits) {
    bench_zero z = {.all = {.pairs = 100, .neutral = 95, .helps = 3, .hurts = 2}};
    cr_expect_eq(bench_zero_exit(&z), 0);
    z.all.hurts = 3;
    cr_expect_eq(bench_zero_exit(&z), 1);
    z.all = (bench_zero_count){.pairs = 100, .neutral = 49, .open = 51};
    cr_expect_eq(bench_zero_exit(&z), 5);
    z.all.pairs = z.all.open = 0;
    cr_expect_eq(bench_zero_exit(&z), 5, "nothing was weighed");
}
