/* The knee of curves that caches of a known size would give. */
#include "bench/lastcache.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <math.h>

#define MIB ((size_t)1 << 20)

typedef struct curve {
    size_t cache;      /* 0: there is none */
    double fast, slow; /* GB/s from it and from memory */
    int keeps;         /* 1: a part of a larger circle stays */
    size_t slow_once;  /* a size that is slow for another reason */
    size_t fails_at;   /* and one that can't be measured */
    size_t largest;    /* asked for */
} curve;

static double rate(void *ctx, size_t bytes) {
    curve *c = ctx;
    double part = bytes <= c->cache ? 1 : c->keeps ? (double)c->cache / (double)bytes : 0;
    if (bytes > c->largest) c->largest = bytes;
    if (c->fails_at && bytes >= c->fails_at) return 0;
    if (c->slow_once && bytes / MIB == c->slow_once / MIB) return c->slow;
    /* The harness takes the median over parts of the circle. */
    return part > 0.5 ? c->fast : c->slow;
}

static bench_knee find(curve *c) {
    return bench_knee_find(rate, c, c->slow, 8 * MIB, 512 * MIB);
}

Test(lastcache, a_plain_cache) {
    curve c = {.cache = 32 * MIB, .fast = 100, .slow = 40};
    bench_knee k = find(&c);
    cr_expect_eq(k.held, 32 * MIB);
    cr_expect_eq(k.from / MIB, 45);
    cr_expect_eq(k.sure / MIB, 90);
    cr_expect_leq(c.largest, 91 * MIB, "nothing larger is read");
    cr_expect_eq(bench_knee_cache(&k, 480 * MIB, 1), k.sure, "the host's is not believed");
    cr_expect_eq(bench_knee_cache(&k, 16 * MIB, 1), k.from, "nor somebody's default");
    cr_expect_eq(bench_knee_cache(&k, 64 * MIB, 1), 64 * MIB, "but what may be");
    cr_expect_eq(bench_knee_cache(&k, 480 * MIB, 0), 480 * MIB, "on a machine of its own it is");
    cr_expect_eq(bench_knee_cache(&k, 16 * MIB, 0), k.from);
}

Test(lastcache, never_less_than_there_is) {
    for (size_t cache = 9; cache <= 180; cache += 3)
        for (int keeps = 0; keeps <= 1; keeps++) {
            curve c = {.cache = cache * MIB, .fast = 100, .slow = 40, .keeps = keeps};
            bench_knee k = find(&c);
            cr_expect(k.from == 0 ? 6 * c.cache > 512 * MIB : k.from >= c.cache, "%zu MiB", cache);
            cr_expect_leq(k.from, 3 * c.cache, "%zu MiB", cache);
            for (size_t told = 4; told <= 512; told *= 2)
                cr_expect_geq(bench_knee_cache(&k, told * MIB, 1), c.cache, "%zu MiB", cache);
        }
}

Test(lastcache, a_slow_pass_is_no_knee) {
    curve c = {.cache = 64 * MIB, .fast = 100, .slow = 40, .slow_once = 16 * MIB};
    bench_knee k = find(&c);
    cr_expect_eq(k.from / MIB, 90);
}

Test(lastcache, no_knee_no_belief) {
    curve even = {.fast = 40, .slow = 40}, large = {.cache = 512 * MIB, .fast = 100, .slow = 40},
          broken = {.cache = 64 * MIB, .fast = 100, .slow = 40, .fails_at = 32 * MIB},
          little = {.cache = 4 * MIB, .fast = 100, .slow = 40},
          near = {.cache = 32 * MIB, .fast = 44, .slow = 40};
    bench_knee k = find(&even);
    cr_expect_eq(k.from, 0);
    cr_expect_eq(bench_knee_cache(&k, 48 * MIB, 1), 48 * MIB);
    k = find(&large);
    cr_expect_eq(k.from, 0);
    cr_expect_eq(bench_knee_cache(&k, 48 * MIB, 1), 512 * MIB, "so much is surely held");
    k = find(&broken);
    cr_expect_eq(k.from, 0);
    cr_expect_eq(bench_knee_cache(&k, 480 * MIB, 1), 480 * MIB);
    cr_expect_eq(bench_knee_cache(&k, 8 * MIB, 1) / MIB, 22);
    k = find(&little);
    cr_expect_eq(k.from, 0, "the first size is past it: as if there were none");
    k = find(&near);
    cr_expect_eq(k.from, 0, "no faster than memory");
}

Test(lastcache, other_devices_are_believed) {
    static tare_backend other;
    tare_device device = {.backend = &other};
    bench_setup s = {.device = &device};
    s.info.cache = 50 << 20;
    cr_expect_eq(bench_last_cache(&s), 50 * MIB);
    cr_expect_eq(bench_last_cache_measured(&s), 0);
    cr_expect(bench_last_cache_holds(&s, 49 * MIB) && !bench_last_cache_holds(&s, 51 * MIB));
    s.info.cache = 0;
    cr_expect_eq(bench_last_cache(&s), 64 * MIB, "nothing is reported");
    cr_expect_not(bench_last_cache_holds(&s, 1));
}

/* What is small asks for no measurement. */
Test(lastcache, small_weights_need_none) {
    tare_device *cpu;
    cr_assert_eq(tare_device_find("cpu", &cpu), TARE_OK);
    bench_setup s = {.device = cpu};
    cr_assert_eq(tare_device_describe(cpu, &s.info), TARE_OK);
    cr_expect(bench_last_cache_holds(&s, 100000));
    cr_expect_eq(bench_last_cache_measured(&s), 0);
}
