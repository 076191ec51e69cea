/* A device's clock is believed only where it agrees with the host's; what is measured without it is
 * measured by the host's. */
#include "opencl/ocl.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 16 };
static char why[120];
static double tick;

/* Commands of `each` ns, `gap` ns apart, by a clock of that tick and rate, held against a host's
 * clock that saw them plus 50 us. */
static int judge(double each, double gap, double of_tick, double rate) {
    ocl_span_stamps s[COUNT];
    double at = 1e12 + 12345;
    for (int i = 0; i < COUNT; i++) {
        double to = at + each;
        s[i] = (ocl_span_stamps){(uint64_t)(floor(at * rate / of_tick) * of_tick),
                                 (uint64_t)(floor(to * rate / of_tick) * of_tick)};
        at = to + gap;
    }
    why[0] = 0;
    return ocl_clock_judge(s, COUNT, at - gap - (1e12 + 12345) + 5e4, &tick, why, sizeof why);
}

Test(opencl_clock, one_that_agrees_is_believed) {
    cr_expect(judge(200017, 1003, 1, 1), "%s", why);
    cr_expect_eq(tick, 1);
    cr_expect(judge(200017, 150011, 1, 1), "%s", why);
    cr_expect(judge(200017, 1003, 32, 1), "%s", why);
    cr_expect_eq(tick, 32, "%g", tick);
    cr_expect(judge(200017, 1003, 1000, 1), "%s", why);
    cr_expect_eq(tick, 1000, "%g", tick);
}

Test(opencl_clock, one_that_does_not_is_not) {
    ocl_span_stamps still[COUNT];
    for (int i = 0; i < COUNT; i++) still[i] = (ocl_span_stamps){2, 3};
    cr_expect_not(ocl_clock_judge(still, COUNT, 3e6, &tick, why, sizeof why));
    cr_expect_str_eq(why, "its clock says 0.001 us where the host's says 3000 us");
    for (int i = 0; i < COUNT; i++) still[i] = (ocl_span_stamps){7, 7};
    cr_expect_not(ocl_clock_judge(still, COUNT, 3e6, &tick, why, sizeof why));
    still[3].to = 6;
    cr_expect_not(ocl_clock_judge(still, COUNT, 3e6, &tick, why, sizeof why));
    cr_expect_str_eq(why, "its clock runs backwards");
    cr_expect_not(judge(200017, 1003, 1, 0.01), "a hundredth");
    cr_expect_not(judge(200017, 1003, 1, 2.5), "more than twice as fast");
    cr_expect_not(judge(200017, 1003, 1, 1000), "it counts picoseconds");
    cr_expect_not(judge(20011, 400009, 1, 1), "most of the time is in no command");
    cr_expect_not(judge(200017, 30001, 50000, 1));
    cr_expect_str_eq(why, "its clock ticks every 50 us");
}

static void *open_first(tare_device_info *info) {
    tare_rates rates;
    uint64_t features;
    void *state;
    memset(info, 0, sizeof *info);
    cr_assert_gt(ocl_device_count(), 0, "on Debian, pocl-opencl-icd makes a device");
    cr_assert_eq(ocl_open(0, info, &rates, &features, &state), TARE_OK, "%s", tare_last_error());
    return state;
}

static void rates_are_sane(void *state) {
    static const tare_probe_kind kinds[] = {TARE_PROBE_READ, TARE_PROBE_CACHE, TARE_PROBE_F32,
                                            TARE_PROBE_H2D, TARE_PROBE_D2H};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        double rate = 0;
        cr_expect_eq(ocl_probe(state, kinds[i], 0.02, &rate), TARE_OK, "%s", tare_last_error());
        cr_expect(rate > 0.01 && rate < 1e5, "probe %d: %g", (int)kinds[i], rate);
    }
}

/* Whatever this device's is like. */
Test(opencl_clock, streams_and_probes_go_by_it, .timeout = 60) {
    tare_device_info info;
    tare_times t;
    void *state = open_first(&info), *stream;
    double ns = -1;
    tare_status s = ocl_clock(state, &ns);
    cr_assert(s == TARE_OK || s == TARE_E_UNSUPPORTED, "%s", tare_last_error());
    cr_assert_eq(ocl_stream_create(state, &stream), TARE_OK);
    cr_expect_eq(ocl_stream_times(state, stream, &t), s);
    cr_expect_eq(ocl_clock(state, &ns), s, "once known, it stays");
    rates_are_sane(state);
    ocl_stream_destroy(state, stream);
}

Test(opencl_clock, without_it_the_host_s_measures, .timeout = 60) {
    tare_device_info info;
    tare_times t;
    setenv("TARE_OPENCL_CLOCK", "host", 1);
    void *state = open_first(&info), *stream, *mem;
    double ns;
    char data[4096] = {0};
    cr_assert_eq(ocl_clock(state, &ns), TARE_E_UNSUPPORTED);
    cr_assert_eq(ocl_describe(state, &info), TARE_OK);
    cr_expect_not_null(strstr(info.runtime, "timed by the host"), "%s", info.runtime);
    cr_assert_eq(ocl_stream_create(state, &stream), TARE_OK);
    cr_assert_eq(ocl_alloc(state, sizeof data, &mem), TARE_OK);
    for (int i = 0; i < 2; i++) { /* what was queued is waited for all the same */
        cr_assert_eq(ocl_write(state, stream, mem, 0, data, sizeof data), TARE_OK);
        cr_expect_eq(ocl_stream_times(state, stream, &t), TARE_E_UNSUPPORTED);
        cr_expect_eq(((ocl_stream *)stream)->events, 0);
    }
    rates_are_sane(state);
    ocl_free(state, mem);
    ocl_stream_destroy(state, stream);
}
