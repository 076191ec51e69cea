/* Ceilings of a CUDA device, by its own clock: the best of many short bursts. Clocks are read by
 * whoever reports them, never set. */
#include "cuda/cu.h"

#include <time.h>

void cu_probe_read(cu_args a);
void cu_probe_fma(cu_args a);
void cu_probe_bf16(cu_args a);
void cu_probe_i8(cu_args a);
void cu_probe_nothing(cu_args a);

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct probe {
    cu_device *d;
    cu_stream *s;
    void *from, *to, *host;
    size_t bytes; /* of `from`, and of `host` where transfers are measured */
    int rounds;   /* of a burst of arithmetic; see grow */
} probe;

enum { FEWEST_ROUNDS = 4, MOST_ROUNDS = 1 << 14 };
static const double long_enough = 300e3; /* ns of a burst: a launch's own time is lost in it */

static void close_probe(probe *p) {
    if (p->s) cu_stream_destroy(p->d, p->s);
    cu_free(p->d, p->from);
    cu_free(p->d, p->to);
    if (p->host) (void)cudaFreeHost(p->host);
}

/* Memory is filled with a pattern: zeros draw less power and run faster. */
static tare_status open_probe(cu_device *d, size_t bytes, int transfers, probe *p) {
    void *stream;
    *p = (probe){.d = d, .bytes = bytes, .rounds = FEWEST_ROUNDS};
    TARE_TRY(cu_stream_create(d, &stream));
    p->s = stream;
    TARE_TRY(cu_alloc(d, 64, &p->to));
    if (bytes == 0) return TARE_OK;
    TARE_TRY(cu_alloc(d, bytes, &p->from));
    TARE_TRY(CU(d, cudaMemsetAsync(p->from, 0x5a, bytes, p->s->stream)));
    return transfers ? CU(d, cudaMallocHost(&p->host, bytes)) : TARE_OK;
}

typedef tare_status (*burst)(probe *p, double *work);

static tare_status time_burst(probe *p, burst run, double *work, double *ns) {
    tare_times t;
    TARE_TRY(run(p, work));
    TARE_TRY(cu_stream_times(p->d, p->s, &t));
    *ns = t.h2d_ns + t.kernel_ns + t.d2h_ns; /* a burst is of one kind */
    return TARE_OK;
}

/* How much arithmetic takes long enough is not known before it was tried: devices differ a
 * thousandfold. The first launch loads the kernel and counts for nothing. */
static tare_status grow(probe *p, burst run) {
    double work, ns;
    TARE_TRY(time_burst(p, run, &work, &ns));
    for (;;) {
        TARE_TRY(time_burst(p, run, &work, &ns));
        if (ns >= long_enough || p->rounds >= MOST_ROUNDS) return TARE_OK;
        p->rounds *= 2;
    }
}

static tare_status best_of(probe *p, burst run, double seconds, double *best) {
    double end = now() + seconds, work, ns;
    *best = 0;
    TARE_TRY(grow(p, run));
    for (int i = 0; i < 3 || now() < end; i++) {
        TARE_TRY(time_burst(p, run, &work, &ns));
        if (ns > 0 && work / ns > *best) *best = work / ns;
    }
    return TARE_OK;
}

static tare_status read_burst(probe *p, double *work) {
    cu_grid g = {.x = (unsigned)p->d->units * 4, .threads = 512};
    cu_args a = {.x = p->from, .y = p->to, .at = {(int64_t)(p->bytes / 16)}};
    *work = (double)p->bytes;
    return cu_launch(p->s, (const void *)cu_probe_read, &g, &a);
}

static tare_status arithmetic(probe *p, const void *kernel, double ops_a_thread, double *work) {
    cu_grid g = {.x = (unsigned)p->d->units * 8, .threads = 256};
    cu_args a = {.y = p->to, .i = {p->rounds}};
    *work = ops_a_thread * p->rounds * 256.0 * g.x;
    return cu_launch(p->s, kernel, &g, &a);
}

static tare_status fma_burst(probe *p, double *work) {
    return arithmetic(p, (const void *)cu_probe_fma, 2 * 16, work);
}

static tare_status bf16_burst(probe *p, double *work) {
    return arithmetic(p, (const void *)cu_probe_bf16, 8 * 4096 / 32.0, work);
}

static tare_status i8_burst(probe *p, double *work) {
    return arithmetic(p, (const void *)cu_probe_i8, 8 * 8192 / 32.0, work);
}

static tare_status h2d_burst(probe *p, double *work) {
    *work = (double)p->bytes;
    return cu_write(p->d, p->s, p->from, 0, p->host, p->bytes);
}

static tare_status d2h_burst(probe *p, double *work) {
    *work = (double)p->bytes;
    return cu_read(p->d, p->s, p->from, 0, p->host, p->bytes);
}

/* From queueing an empty kernel to having waited for it, on the host's clock: the median. */
static tare_status launch_ns(probe *p, double seconds, double *ns) {
    enum { MOST = 501 };
    double took[MOST], end = now() + seconds;
    cu_grid g = {.threads = 32};
    cu_args a = {.y = p->to};
    int count = 0;
    for (int i = 0; count < MOST && (i < 20 || now() < end); i++) {
        double t = now();
        TARE_TRY(cu_launch(p->s, (const void *)cu_probe_nothing, &g, &a));
        TARE_TRY(cu_stream_sync(p->d, p->s));
        t = (now() - t) * 1e9;
        if (i < 3) continue;
        int at = count++;
        for (; at > 0 && took[at - 1] > t; at--) took[at] = took[at - 1];
        took[at] = t;
    }
    *ns = took[count / 2];
    return TARE_OK;
}

static size_t probe_bytes(const cu_device *d, tare_probe_kind what) {
    size_t l2 = d->l2_bytes > 0 ? (size_t)d->l2_bytes : (size_t)32 << 20;
    if (what == TARE_PROBE_READ) return 16 * l2;
    if (what == TARE_PROBE_CACHE) return l2 / 4 / 4096 * 4096;
    return what == TARE_PROBE_H2D || what == TARE_PROBE_D2H ? (size_t)64 << 20 : 0;
}

tare_status cu_probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    static const burst bursts[] = {[TARE_PROBE_READ] = read_burst, [TARE_PROBE_CACHE] = read_burst,
                                   [TARE_PROBE_F32] = fma_burst,   [TARE_PROBE_BF16] = bf16_burst,
                                   [TARE_PROBE_I8] = i8_burst,     [TARE_PROBE_H2D] = h2d_burst,
                                   [TARE_PROBE_D2H] = d2h_burst};
    cu_device *d = state;
    int transfers = what == TARE_PROBE_H2D || what == TARE_PROBE_D2H;
    probe p;
    tare_status s = open_probe(d, probe_bytes(d, what), transfers, &p);
    if (s == TARE_OK)
        s = what == TARE_PROBE_LAUNCH ? launch_ns(&p, seconds, rate)
                                      : best_of(&p, bursts[what], seconds, rate);
    close_probe(&p);
    return s;
}
