/* Devices with memory of their own: what is moved, what is timed, and what is cold. The device is
 * the tests' fake one with a clock that counts bytes: a byte moved takes a nanosecond. */
#include "bench/record.h"
#include "src/internal.h"
#include "tests/fake_backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 24, K = 40, M = 2, BLOB = N * K * 4, X = M * K * 4, Y = M * N * 4, KERNEL = 1000 };

static tare_backend backend;
static tare_backend_ops ops;
static tare_kernel row;
static const tare_kernel *rows[2] = {&row, NULL};
static tare_times spent;
static size_t since_run, least_since_run; /* bytes written between runs */
static int blobs, runs;
static int64_t cache_bytes;

static tare_status counted_open(int index, tare_device_info *info, tare_rates *rates,
                                uint64_t *features, void **state) {
    tare_status s = fake_backend.ops->open(index, info, rates, features, state);
    info->cache = cache_bytes;
    info->memory = (int64_t)1 << 30;
    return s;
}

static tare_status counted_write(void *state, void *stream, void *mem, size_t offset,
                                 const void *src, size_t bytes) {
    spent.h2d_ns += (double)bytes;
    since_run += bytes;
    blobs += bytes == BLOB;
    return fake_backend.ops->write(state, stream, mem, offset, src, bytes);
}

static tare_status counted_read(void *state, void *stream, const void *mem, size_t offset,
                                void *dst, size_t bytes) {
    spent.d2h_ns += (double)bytes;
    return fake_backend.ops->read(state, stream, mem, offset, dst, bytes);
}

static tare_status counted_run(const tare_run_args *a) {
    spent.kernel_ns += KERNEL;
    if (since_run < least_since_run && runs > 0) least_since_run = since_run;
    since_run = 0;
    runs++;
    return fake_backend.rows[0]->run(a);
}

static tare_status counted_times(void *state, void *stream, tare_times *out) {
    (void)state, (void)stream;
    *out = spent;
    memset(&spent, 0, sizeof spent);
    return TARE_OK;
}

static void make(bench_setup *s) {
    tare_device *d;
    row = *fake_backend.rows[0];
    row.run = counted_run;
    ops = *fake_backend.ops;
    ops.open = counted_open;
    ops.write = counted_write;
    ops.read = counted_read;
    ops.stream_times = counted_times;
    backend = fake_backend;
    backend.ops = &ops;
    backend.rows = rows;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    cr_assert_eq(bench_setup_init(s, d), TARE_OK);
    s->noise.absent = 1;
    s->seconds = 0.01;
    least_since_run = SIZE_MAX;
}

static const char *const only_f32[] = {"f32", NULL};

static void measure(bench_setup *s, bench_cells *cells) {
    bench_scheme scheme;
    bench_shape shape = {.name = "layer", .n = N, .k = K, .count = 1};
    s->baselines = only_f32;
    cr_assert_eq(bench_scheme_parse("f32", &scheme), TARE_OK);
    cr_assert_eq(bench_group(s, &shape, M, &scheme, 1, cells), TARE_OK, "%s", tare_last_error());
}

Test(streamed, resident_and_streamed_cells_say_what_was_moved) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s);
    s.weights = BENCH_RESIDENT | BENCH_STREAMED;
    measure(&s, &cells);
    cr_assert_eq(cells.count, 2);
    const bench_cell *stay = &cells.cell[0], *go = &cells.cell[1];
    cr_assert_eq(stay->weights, BENCH_RESIDENT);
    cr_assert_eq(go->weights, BENCH_STREAMED);
    cr_assert_eq(stay->transfer.h2d_ns, X);
    cr_assert_eq(go->transfer.h2d_ns, X + BLOB);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(cells.cell[i].transfer.d2h_ns, Y);
        cr_assert_eq(cells.cell[i].transfer.kernel_ns, KERNEL);
        cr_assert(cells.cell[i].is_base, "each is held against cells of its own kind");
    }
    cr_assert_eq(go->limit, BENCH_TRANSFER);
    cr_assert_neq(stay->limit, BENCH_TRANSFER);
    cr_assert_eq(go->transfer.end_to_end_ns, go->result.median_ns, "streamed: all of it is timed");
    cr_assert_gt(stay->transfer.end_to_end_ns, 0);
    cr_assert(blobs > (int)go->result.n * go->result.batch, "%d uploads", blobs);
    bench_cells_clear(&cells);
    bench_setup_clear(&s);
}

Test(streamed, resident_weights_are_sent_once) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s);
    measure(&s, &cells);
    cr_assert_eq(cells.count, 1);
    cr_assert_eq(blobs, cells.cell[0].copies);
    bench_cells_clear(&cells);
    bench_setup_clear(&s);
}

/* A megabyte of cache, and memory for one copy: what must go by is written on the device. */
Test(streamed, cold_is_made_on_the_device) {
    bench_setup s;
    bench_cells cells = {0};
    cache_bytes = 1 << 20;
    make(&s);
    s.memory = BLOB;
    measure(&s, &cells);
    cr_assert_eq(cells.cell[0].copies, 1);
    cr_assert(runs > 6 && least_since_run + BLOB >= 2 << 20, "%zu bytes between two of %d runs",
              least_since_run, runs);
    bench_cells_clear(&cells);
    bench_setup_clear(&s);
    cr_assert_eq(fake.live, 0, "%d things of the device were kept", fake.live);
}

Test(streamed, a_record_and_its_view_show_it) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s);
    s.weights = BENCH_STREAMED;
    measure(&s, &cells);
    json_t *env = bench_record_env(&s), *all = json_array();
    json_array_append_new(all, bench_record(&s, &cells.cell[0], env));
    const json_t *r = json_array_get(all, 0);
    cr_assert_str_eq(json_string_value(json_object_get(r, "weights")), "streamed");
    cr_assert_eq(json_number_value(json_object_get(r, "h2d_ns")), X + BLOB);
    cr_assert(strstr(json_string_value(json_object_get(r, "replay")), "--weights streamed"));
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(bench_report(f, BENCH_TABLE, all), 0);
    fclose(f);
    cr_assert(strstr(text, "streamed") && strstr(text, "h2d + kernel + d2h"), "%s", text);
    cr_assert(strstr(text, "4.16 + 1.00 + 0.19"), "%s", text);
    cr_assert(strstr(text, "NEUTRAL, bound by transfer"), "%s", text);
    free(text);
    json_decref(all);
    json_decref(env);
    bench_cells_clear(&cells);
    bench_setup_clear(&s);
}

Test(streamed, a_refusal_is_told_once) {
    bench_setup s;
    bench_cells cells = {0};
    bench_scheme scheme;
    bench_shape shape = {.name = "layer", .n = N, .k = K, .count = 1};
    make(&s);
    s.weights = BENCH_RESIDENT | BENCH_STREAMED;
    s.baselines = only_f32;
    cr_assert_eq(bench_scheme_parse("csr@0.5", &scheme), TARE_OK);
    cr_assert_eq(bench_group(&s, &shape, M, &scheme, 1, &cells), TARE_OK);
    json_t *env = bench_record_env(&s), *all = json_array();
    for (int i = 0; i < cells.count; i++)
        json_array_append_new(all, bench_record(&s, &cells.cell[i], env));
    cr_assert_eq(json_array_size(all), 4, "a record each, timed and refused");
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(bench_report(f, BENCH_TABLE, all), 0);
    fclose(f);
    const char *first = strstr(text, "dense f32 only");
    cr_assert(first && !strstr(first + 1, "dense f32 only"), "%s", text);
    free(text);
    json_decref(all);
    json_decref(env);
    bench_cells_clear(&cells);
    bench_setup_clear(&s);
}

/* Any call of the device may fail on the way: an error, and nothing is kept. */
Test(streamed, faults_leave_nothing_behind) {
    bench_setup s;
    bench_shape shape = {.name = "layer", .n = N, .k = K, .count = 1};
    bench_scheme scheme;
    int failed = 0;
    make(&s);
    s.weights = BENCH_RESIDENT | BENCH_STREAMED;
    s.seconds = 0.001;
    s.samples = 6;
    s.baselines = only_f32;
    cr_assert_eq(bench_scheme_parse("f32", &scheme), TARE_OK);
    for (int point = 0; point < FAKE_POINTS; point++)
        for (int at = 1; at <= 40; at += 3) {
            bench_cells cells = {0};
            fake.fail_point = point;
            fake.fail_at = at;
            failed += bench_group(&s, &shape, M, &scheme, 1, &cells) != TARE_OK;
            fake.fail_at = 0;
            bench_cells_clear(&cells);
            cr_assert_eq(fake.live, 0, "point %d, call %d: %d kept", point, at, fake.live);
        }
    cr_assert_gt(failed, 10);
    bench_setup_clear(&s);
}
