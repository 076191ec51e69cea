/* An outside witness: the time of one product by the installed library alone, with data, copies,
 * clock and median of its own. `tare bench` says the same of the same kernel, or one of the two is
 * wrong; bench/witness.sh holds them against each other.
 *
 *     witness SCHEME [-m M] [-n N] [-k K] [--cache cold|hot] [--kernel NAME] [--threads T]
 *             [--time SECONDS] [--cold-bytes B]
 *
 * SCHEME: f32, bf16, w8a8, w4a16-g128, csr@S (S: the share of zeros, 0.9). Without --kernel the
 * library's plan chooses. Cold: copies of the packed weights are used in turn, so many that B bytes
 * (twice the last cache unless said) go by before one is used again; where 1024 are not enough the
 * rest is read from a buffer, and then an untimed run wakes the library's threads. Hot: one copy.
 *
 * One line: scheme m n k cache kernel, the median of a run in ns, samples, copies, and how far y
 * is off over sum |x||w|. cc -O2 witness.c $(pkg-config --cflags --libs tare) -lm -o witness */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tare/tare.h>
#include <time.h>

enum { COPIES_MAX = 1024, LEAST = 31, MOST = 20000, WARM_UP = 3 };

typedef struct job {
    const char *scheme, *cache, *kernel;
    double m, n, k, threads, seconds, cold_bytes;
    double zeros; /* share of them, csr */
    tare_type x_type;
    uint32_t flags;
    tare_format format;

    float *w, *x;
    tare_tensor t;
    tare_device *device;
    tare_plan plan;
    tare_stream *stream;
    tare_buffer *in, *out;
    tare_packed *copy[COPIES_MAX];
    int copies, next;
    char *other; /* what is read to push copies out of the cache */
    size_t other_bytes;
    double sample[MOST];
    int samples;
} job;

static void fail(const char *what) {
    fprintf(stderr, "witness: %s\n", what);
    exit(1);
}

static void check(tare_status s) {
    if (s != TARE_OK) fail(tare_last_error());
}

static void *memory(size_t bytes) {
    void *p = malloc(bytes ? bytes : 1);
    if (!p) fail("out of memory");
    return p;
}

/* ---- what is asked ---- */

static int read_scheme(job *j) {
    static const struct {
        const char *name, *format;
        tare_type x;
        uint32_t flags;
    } all[] = {{"f32", "f32", TARE_F32, 0},
               {"bf16", "bf16", TARE_BF16, 0},
               {"w8a8", "i8-row", TARE_F32, TARE_X_I8},
               {"w4a16-g128", "i4-g128", TARE_BF16, TARE_W_ROUND}};
    char *end;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].name, j->scheme) != 0) continue;
        j->x_type = all[i].x;
        j->flags = all[i].flags;
        return tare_format_parse(all[i].format, &j->format) == TARE_OK;
    }
    if (strncmp(j->scheme, "csr@", 4) != 0) return 0;
    j->zeros = strtod(j->scheme + 4, &end);
    j->x_type = TARE_F32;
    return end > j->scheme + 4 && *end == 0 && j->zeros >= 0 && j->zeros < 1 &&
           tare_format_parse("csr/f32", &j->format) == TARE_OK;
}

static int read_number(const char *text, double least, double most, double *out) {
    char *end;
    *out = strtod(text, &end);
    return end > text && *end == 0 && *out >= least && *out <= most;
}

static int read_option(job *j, const char *name, const char *value) {
    if (strcmp(name, "-m") == 0) return read_number(value, 1, 4096, &j->m);
    if (strcmp(name, "-n") == 0) return read_number(value, 1, 65536, &j->n);
    if (strcmp(name, "-k") == 0) return read_number(value, 1, 65536, &j->k);
    if (strcmp(name, "--threads") == 0) return read_number(value, 1, 1024, &j->threads);
    if (strcmp(name, "--time") == 0) return read_number(value, 0, 600, &j->seconds);
    if (strcmp(name, "--cold-bytes") == 0) return read_number(value, 1, 1e12, &j->cold_bytes);
    if (strcmp(name, "--kernel") == 0) return (j->kernel = value) != NULL;
    if (strcmp(name, "--cache") != 0) return 0;
    j->cache = value;
    return strcmp(value, "cold") == 0 || strcmp(value, "hot") == 0;
}

static void read_arguments(job *j, int argc, char **argv) {
    *j = (job){.cache = "cold", .m = 1, .n = 2048, .k = 2048, .seconds = 0.5};
    int good = argc >= 2 && argc % 2 == 0;
    if (good) j->scheme = argv[1];
    good = good && read_scheme(j);
    for (int i = 2; good && i < argc; i += 2) good = read_option(j, argv[i], argv[i + 1]);
    j->m = floor(j->m), j->n = floor(j->n), j->k = floor(j->k);
    if (good) return;
    fputs("usage: witness f32|bf16|w8a8|w4a16-g128|csr@S [-m M] [-n N] [-k K] [--cache cold|hot]\n"
          "               [--kernel NAME] [--threads T] [--time SECONDS] [--cold-bytes B]\n",
          stderr);
    exit(2);
}

/* ---- data ---- */

static uint64_t state = 88172645463325252u;

/* In (0, 1): Marsaglia's xorshift64 (2003). */
static double uniform(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

/* By Marsaglia's polar method. */
static float normal(double deviation) {
    double a, b, s;
    do {
        a = 2 * uniform() - 1;
        b = 2 * uniform() - 1;
        s = a * a + b * b;
    } while (s >= 1 || s == 0);
    return (float)(deviation * a * sqrt(-2 * log(s) / s));
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The smallest of W become zero, to the value as many as the share says. */
static void prune(float *w, size_t count, double share) {
    size_t drop = (size_t)rint(share * (double)count), dropped = 0;
    float *size = memory(count * sizeof *size);
    for (size_t i = 0; i < count; i++) size[i] = fabsf(w[i]);
    qsort(size, count, sizeof *size, ascending);
    float limit = drop > 0 ? size[drop - 1] : 0;
    for (size_t i = 0; i < count && drop > 0; i++) dropped += fabsf(w[i]) < limit;
    for (size_t i = 0; i < count && drop > 0; i++) {
        int tie = fabsf(w[i]) == limit && dropped < drop;
        dropped += (size_t)tie;
        if (tie || fabsf(w[i]) < limit) w[i] = 0;
    }
    free(size);
}

static uint16_t to_bf16(float v) {
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static float from_bf16(uint16_t v) {
    uint32_t u = (uint32_t)v << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* x as the kernel takes it; what it was rounded to is kept for the check. */
static void send_x(job *j, size_t count) {
    size_t bytes = count * (j->x_type == TARE_F32 ? sizeof(float) : sizeof(uint16_t));
    uint16_t *half = memory(count * sizeof *half);
    for (size_t i = 0; i < count; i++) {
        half[i] = to_bf16(j->x[i]);
        if (j->x_type == TARE_BF16) j->x[i] = from_bf16(half[i]);
    }
    check(tare_buffer_create(j->device, bytes, &j->in));
    check(tare_buffer_write(j->stream, j->in, 0, j->x_type == TARE_F32 ? (const void *)j->x : half,
                            bytes));
    check(tare_stream_sync(j->stream));
    free(half);
}

static void make_data(job *j) {
    size_t weights = (size_t)j->n * (size_t)j->k, inputs = (size_t)j->m * (size_t)j->k;
    j->w = memory(weights * sizeof *j->w);
    j->x = memory(inputs * sizeof *j->x);
    for (size_t i = 0; i < weights; i++) j->w[i] = normal(1 / sqrt(j->k));
    for (size_t i = 0; i < inputs; i++) j->x[i] = normal(1);
    if (j->zeros > 0) prune(j->w, weights, j->zeros);
    check(tare_encode(&j->format, (int64_t)j->n, (int64_t)j->k, j->w, &j->t));
    send_x(j, inputs);
}

/* ---- running ---- */

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run_next(job *j) {
    check(tare_run(&j->plan, j->copy[j->next], j->stream, j->in, NULL, j->out, 0));
    check(tare_stream_sync(j->stream));
    j->next = (j->next + 1) % j->copies;
}

static void prepare(job *j) {
    tare_plan_options only = {.only = j->kernel};
    tare_problem p = tare_problem_matmul(&j->t, (int64_t)j->m, j->x_type, j->x_type, j->flags);
    check(tare_plan_make(j->device, &p, &only, &j->plan));
    check(tare_stream_reserve(j->stream, &j->plan));
    check(tare_buffer_create(j->device, (size_t)j->m * (size_t)j->n * sizeof(float), &j->out));
    check(tare_pack(&j->plan, &j->t, &j->copy[j->copies++]));
    if (strcmp(j->cache, "hot") == 0) return;
    double one = (double)tare_packed_bytes(j->copy[0]), want = 1 + ceil(j->cold_bytes / one);
    while (j->copies < want && j->copies < COPIES_MAX)
        check(tare_pack(&j->plan, &j->t, &j->copy[j->copies++]));
    if (want <= COPIES_MAX) return;
    j->other_bytes = (size_t)(j->cold_bytes - one * (COPIES_MAX - 2));
    j->other = memory(j->other_bytes);
    memset(j->other, 1, j->other_bytes);
}

/* Reads the other buffer, a byte a line, and uses what it read. The copy that a run wakes threads
 * with is not the one that is timed next. */
static void push_out(job *j) {
    size_t sum = 0;
    if (!j->other) return;
    for (size_t i = 0; i < j->other_bytes; i += 64) sum += ((volatile char *)j->other)[i] != 0;
    if (sum == 0) fail("the other buffer lost its content");
    run_next(j);
}

static void measure(job *j) {
    for (int i = 0; i < WARM_UP; i++) run_next(j);
    double spent = 0;
    while (j->samples < MOST && (j->samples < LEAST || spent < j->seconds * 1e9)) {
        push_out(j);
        double start = now_ns();
        run_next(j);
        double took = now_ns() - start;
        j->sample[j->samples++] = took;
        spent += took;
    }
}

static int by_time(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int count) {
    qsort(v, (size_t)count, sizeof *v, by_time);
    return count % 2 ? v[count / 2] : 0.5 * (v[count / 2 - 1] + v[count / 2]);
}

static double element(const char *y, size_t at, tare_type type) {
    float f;
    uint16_t half;
    if (type == TARE_F32) return memcpy(&f, y + at * sizeof f, sizeof f), (double)f;
    return memcpy(&half, y + at * sizeof half, sizeof half), (double)from_bf16(half);
}

/* The first, middle and last column of y against sums in double over the weights as coded: the
 * worst distance over sum |x||w|. */
static double error_of_y(job *j) {
    size_t rows = (size_t)j->m, n = (size_t)j->n, k = (size_t)j->k, column[] = {0, n / 2, n - 1};
    size_t one = j->x_type == TARE_F32 ? sizeof(float) : sizeof(uint16_t);
    char *y = memory(rows * n * one);
    double *w = memory(k * sizeof *w), worst = 0;
    check(tare_buffer_read(j->stream, j->out, 0, y, rows * n * one));
    check(tare_stream_sync(j->stream));
    for (size_t c = 0; c < 3; c++) {
        check(tare_decode_row_f64(&j->t, (int64_t)column[c], w));
        for (size_t r = 0; r < rows; r++) {
            double sum = 0, size = 1e-30;
            for (size_t i = 0; i < k; i++) sum += w[i] * (double)j->x[r * k + i];
            for (size_t i = 0; i < k; i++) size += fabs(w[i] * (double)j->x[r * k + i]);
            double got = element(y, r * n + column[c], j->x_type);
            double off = fabs(sum - got) / size;
            if (!(off <= worst)) worst = off; /* NaN too */
        }
    }
    free(w);
    free(y);
    return worst;
}

static void clear(job *j) {
    for (int i = 0; i < j->copies; i++) tare_packed_destroy(j->copy[i]);
    tare_buffer_destroy(j->in);
    tare_buffer_destroy(j->out);
    tare_stream_destroy(j->stream);
    tare_tensor_clear(&j->t);
    free(j->other);
    free(j->w);
    free(j->x);
}

int main(int argc, char **argv) {
    static job j;
    tare_device_info info;
    read_arguments(&j, argc, argv);
    if (j.threads > 0) tare_set_threads((int)j.threads);
    check(tare_device_find("cpu", &j.device));
    check(tare_device_describe(j.device, &info));
    check(tare_stream_create(j.device, &j.stream));
    if (!(j.cold_bytes > 0)) j.cold_bytes = info.cache > 0 ? 2.0 * (double)info.cache : 256e6;
    make_data(&j);
    prepare(&j);
    measure(&j);
    double error = error_of_y(&j);
    printf("%s m %.0f n %.0f k %.0f %s %s %.1f ns %d samples %d copies error %.1e\n", j.scheme, j.m,
           j.n, j.k, j.cache, j.plan.kernel, median(j.sample, j.samples), j.samples, j.copies,
           error);
    clear(&j);
    if (error <= 0.01) return 0;
    fail("y is wrong");
}
