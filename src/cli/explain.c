/* tare explain: every kernel row of a device for one problem, with its predicted cost or its
 * refusal. */
#include "bench/ceilings.h"
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/internal.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: tare explain --scheme S -n N -k K [-m M] [-d DEVICES] [--threads N]\n"
    "\n"
    "Which kernel would multiply x[m,k] by W[n,k] in this scheme (as in tare bench), and why not "
    "the\n"
    "others: predicted cost by the cost model over measured ceilings, or the reason of a refusal.\n"
    "With several devices (cpu,opencl:0; all) also which of them the route takes: the least cost "
    "with\n"
    "what it takes to move x there and y back.\n"
    "\n"
    "  tare explain --scheme w4a16-g64 -n 4096 -k 4096 -m 1\n"
    "  tare explain --scheme w8a8 -n 4096 -k 4096 -m 1,64 -d cpu,opencl\n";

static int each(void *ctx, const tare_row_report *r) {
    (void)ctx;
    if (r->fits)
        printf("%s %-26s %10.1f us  %8.2f MB packed  %s\n", r->chosen ? "->" : "  ", r->kernel,
               r->plan.cost_ns / 1000, (double)r->plan.packed_bytes / 1e6,
               r->vendor ? r->vendor : "");
    else
        printf("   %-26s          -      %s\n", r->kernel, r->reason);
    return 0;
}

static int rows_of(tare_device *d, const tare_problem *p, int named) {
    if (named) printf("%s\n", d->info.id);
    return tare_explain(d, p, NULL, each, NULL) == TARE_OK
               ? CLI_OK
               : cli_bad("explain", "%s", tare_last_error());
}

/* What each device would take in all, and whom the route takes. */
static int route_of(const bench_devices *list, const tare_problem *p) {
    tare_plan best, one;
    tare_status s = tare_route(p, list->device, list->count, NULL, &best);
    puts("route: kernel + moving x and y");
    for (int i = 0; i < list->count; i++) {
        const tare_device *d = list->device[i];
        if (tare_plan_make(list->device[i], p, NULL, &one) != TARE_OK) {
            printf("   %-10s refuses: %s\n", d->info.id, tare_last_error());
            continue;
        }
        int ref = (one.row->flags & TARE_ROW_REFERENCE) != 0;
        printf("%s %-10s %-26s %10.1f + %.1f = %.1f us%s\n",
               s == TARE_OK && best.device == d ? "->" : "  ", d->info.id, one.kernel,
               one.cost_ns / 1000, one.transfer_ns / 1000, (one.cost_ns + one.transfer_ns) / 1000,
               ref ? "  (the reference: only where nothing else fits)" : "");
    }
    if (s != TARE_OK) puts("   no device takes it");
    return CLI_OK;
}

static int explain(const bench_devices *list, const bench_scheme *s, const bench_shape *shape,
                   int64_t m) {
    tare_tensor t = {.format = s->w, .n = shape->n, .k = shape->k};
    t.nnz = bench_scheme_nnz(s, t.n, t.k);
    tare_problem p = bench_scheme_problem(s, &t, m);
    printf("%s, m %lld, n %lld, k %lld\n", s->name, (long long)m, (long long)t.n, (long long)t.k);
    for (int i = 0; i < list->count; i++) {
        int code = rows_of(list->device[i], &p, list->count > 1);
        if (code != CLI_OK) return code;
    }
    return list->count > 1 ? route_of(list, &p) : CLI_OK;
}

/* Short probes: only predicted costs follow from them. */
static tare_status measure(tare_device *d) {
    tare_rates r;
    TARE_TRY(bench_ceilings(d, 0.02, &r));
    if (!bench_ceiling_measured(&r, TARE_PROBE_READ) || !bench_ceiling_measured(&r, TARE_PROBE_F32))
        fprintf(stderr, "%s: costs go by estimates: the machine was never quiet, or has no probe\n",
                d->info.id);
    return TARE_OK;
}

/* Nothing is timed here and nothing but a table comes out: what is asked for in vain is refused. */
static const char *not_ours(const bench_args *a) {
    return a->kernel    ? "--kernel"
           : a->cache   ? "--cache"
           : a->weights ? "--weights"
           : a->view    ? "-o"
           : a->out     ? "--out"
           : a->timed   ? "--time"
           : a->gate    ? "--gate"
           : a->timing  ? "--timing"
           : a->sampled ? "--samples"
           : a->seeded  ? "--seed"
           : a->limit   ? "--limit"
           : a->plant   ? "--plant"
                        : NULL;
}

int cli_explain(int argc, char **argv) {
    static bench_shapes shapes;
    bench_args a;
    bench_scheme scheme[BENCH_SCHEMES_MAX];
    int count = 0, code = CLI_OK;
    bench_devices devices = {.count = 0};
    tare_status s = bench_args_parse(argc, argv, &a);
    if (s == TARE_OK && a.help) return cli_help(help);
    const char *other = s == TARE_OK ? not_ours(&a) : NULL;
    if (other) return cli_bad("explain", "%s is no option of explain; see its --help", other);
    if (s == TARE_OK && !a.schemes)
        return cli_bad("explain", "--scheme is missing; see tare explain --help");
    if (s == TARE_OK) s = bench_scheme_list(a.schemes, scheme, &count);
    if (s == TARE_OK) s = bench_shapes_make(&a, &shapes);
    if (s == TARE_OK) s = bench_devices_parse(a.device, &devices);
    if (s == TARE_OK && a.threads) tare_set_threads(a.threads);
    for (int i = 0; i < devices.count && s == TARE_OK; i++) s = measure(devices.device[i]);
    if (s != TARE_OK) {
        cli_bad("explain", "%s", tare_last_error());
        bench_shapes_clear(&shapes);
        return bench_exit_of(s);
    }
    for (int i = 0; i < shapes.suite.count; i++)
        for (int k = 0; k < shapes.m_count; k++)
            for (int j = 0; j < count && code == CLI_OK; j++)
                code = explain(&devices, &scheme[j], &shapes.suite.shapes[i], shapes.m[k]);
    bench_shapes_clear(&shapes);
    return code;
}
