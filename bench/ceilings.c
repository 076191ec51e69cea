/* Ceilings: each probe once, and the roofline over them. */
#include "bench/ceilings.h"
#include "src/internal.h"

#include <math.h>

/* One probe; what the device lacks keeps its estimate. */
static int probe(tare_device *d, tare_probe_kind kind, double seconds, double *rate) {
    double v = 0;
    if (tare_device_probe(d, kind, seconds, &v) != TARE_OK || !(v > 0) || !isfinite(v)) return 0;
    *rate = v;
    return 1;
}

tare_status bench_ceilings(tare_device *d, double seconds, tare_rates *out) {
    tare_rates r;
    tare_device_rates(d, &r);
    if (!r.measured) {
        int memory = probe(d, TARE_PROBE_READ, seconds, &r.read_gbs);
        int math = probe(d, TARE_PROBE_F32, seconds, &r.f32_gflops);
        probe(d, TARE_PROBE_CACHE, seconds, &r.cache_gbs);
        probe(d, TARE_PROBE_BF16, seconds, &r.bf16_gflops);
        probe(d, TARE_PROBE_I8, seconds, &r.i8_gops);
        probe(d, TARE_PROBE_LAUNCH, seconds / 4, &r.launch_ns);
        r.measured = memory && math;
        TARE_TRY(tare_device_set_rates(d, &r));
    }
    *out = r;
    return TARE_OK;
}

const char *bench_limit_name(int limit) {
    static const char *const name[] = {"memory", "compute", "launch", "transfer"};
    return limit >= BENCH_MEMORY && limit <= BENCH_TRANSFER ? name[limit - 1] : "unknown";
}

double bench_floor_ns(const tare_plan *p, const tare_rates *r, int cached,
                      enum bench_limit *limit) {
    double bandwidth = cached && r->cache_gbs > r->read_gbs ? r->cache_gbs : r->read_gbs;
    double peak = p->unit == TARE_PROBE_I8     ? r->i8_gops
                  : p->unit == TARE_PROBE_BF16 ? r->bf16_gflops
                                               : r->f32_gflops;
    if (!(peak > 0)) peak = r->f32_gflops;
    double memory = p->bytes / bandwidth, compute = p->ops / peak;
    double floor = memory > compute ? memory : compute;
    *limit = memory > compute ? BENCH_MEMORY : BENCH_COMPUTE;
    if (r->launch_ns > floor) *limit = BENCH_LAUNCH;
    if (p->transfer_ns > floor && p->transfer_ns > r->launch_ns) *limit = BENCH_TRANSFER;
    return floor;
}
