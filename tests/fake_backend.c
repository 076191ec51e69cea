#include "tests/fake_backend.h"

#include "src/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fake_state fake;

static int strikes(int point) {
    return fake.fail_at && fake.fail_point == point && --fake.fail_at == 0;
}

#define STRIKE(point, what)                                                                        \
    if (strikes(point)) return tare_fail(TARE_E_DEVICE, "fake: " what " failed")

/* Device memory is a host block behind a tag, so that nobody can take it for an address. */
typedef struct block {
    size_t bytes;
    char *at;
} block;

static tare_status f_open(int index, tare_device_info *info, tare_rates *rates, uint64_t *features,
                          void **state) {
    snprintf(info->id, sizeof info->id, "fake:%d", index);
    snprintf(info->name, sizeof info->name, "a device that fails on demand");
    *rates =
        (tare_rates){.read_gbs = 1, .cache_gbs = 1, .f32_gflops = 1, .h2d_gbs = 1, .d2h_gbs = 1};
    *features = 0;
    *state = &fake;
    return TARE_OK;
}

void *fake_bytes(const void *mem) {
    return ((const block *)mem)->at;
}

static tare_status f_alloc(void *state, size_t bytes, void **mem) {
    (void)state;
    STRIKE(FAKE_ALLOC, "allocation");
    block *b = malloc(sizeof *b);
    b->at = malloc(bytes ? bytes : 1);
    b->bytes = bytes;
    *mem = b;
    fake.live++;
    return TARE_OK;
}

static void f_free(void *state, void *mem) {
    block *b = mem;
    (void)state;
    free(b->at);
    free(b);
    fake.live--;
}

static tare_status f_stream(void *state, void **stream) {
    (void)state;
    STRIKE(FAKE_STREAM, "stream");
    *stream = malloc(1);
    fake.live++;
    return TARE_OK;
}

static tare_status f_sync(void *state, void *stream) {
    (void)state, (void)stream;
    STRIKE(FAKE_SYNC, "sync");
    return TARE_OK;
}

static void f_stream_destroy(void *state, void *stream) {
    (void)state;
    free(stream);
    fake.live--;
}

static tare_status f_write(void *state, void *stream, void *mem, size_t offset, const void *src,
                           size_t bytes) {
    (void)state, (void)stream;
    STRIKE(FAKE_WRITE, "write");
    memcpy(((block *)mem)->at + offset, src, bytes);
    return TARE_OK;
}

static tare_status f_read(void *state, void *stream, const void *mem, size_t offset, void *dst,
                          size_t bytes) {
    (void)state, (void)stream;
    STRIKE(FAKE_READ, "read");
    memcpy(dst, ((const block *)mem)->at + offset, bytes);
    return TARE_OK;
}

/* One row: dense f32, y = relu?(x W^T + bias?). */
static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    if (p->w.layout != TARE_DENSE || p->w.value != TARE_F32 || p->x != TARE_F32 ||
        p->y != TARE_F32) {
        snprintf(f->why, sizeof f->why, "dense f32 only");
        return 0;
    }
    f->packed_bytes = (size_t)(p->n * p->k) * 4;
    f->scratch_bytes = 64;
    f->bytes = (double)f->packed_bytes;
    f->ops = 2.0 * (double)(p->m * p->n * p->k);
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, rates, 1, 1);
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    (void)p, (void)used;
    STRIKE(FAKE_PACK, "pack");
    memcpy(blob, t->part[TARE_VALUES].data, t->part[TARE_VALUES].bytes);
    return TARE_OK;
}

static tare_status run(const tare_run_args *a) {
    STRIKE(FAKE_RUN, "run");
    const float *w = (const float *)(const void *)((const block *)a->packed)->at;
    const float *x = (const float *)(const void *)((const block *)a->x)->at;
    float *y = (float *)(void *)((block *)a->y)->at;
    const float *bias =
        a->bias ? (const float *)(const void *)((const block *)(const void *)a->bias)->at : NULL;
    int relu = (a->problem->flags & TARE_RELU) != 0;
    for (int64_t i = 0; i < a->m; i++)
        for (int64_t c = 0; c < a->problem->n; c++) {
            double sum = bias ? (double)bias[c] : 0;
            for (int64_t j = 0; j < a->problem->k; j++)
                sum += (double)x[i * a->problem->k + j] * (double)w[c * a->problem->k + j];
            y[i * a->problem->n + c] = relu && sum < 0 ? 0 : (float)sum;
        }
    return TARE_OK;
}

static const tare_kernel row = {
    .name = "fake_row", .op = TARE_MATMUL, .fit = fit, .pack = pack, .run = run};
static const tare_kernel *const rows[] = {&row, NULL};

static const tare_backend_ops ops = {.open = f_open,
                                     .alloc = f_alloc,
                                     .free = f_free,
                                     .stream_create = f_stream,
                                     .stream_sync = f_sync,
                                     .stream_destroy = f_stream_destroy,
                                     .write = f_write,
                                     .read = f_read};

static int count(void) {
    return 1;
}

const tare_backend fake_backend = {.abi = TARE_BACKEND_ABI,
                                   .struct_size = TARE_BACKEND_STRUCT_SIZE,
                                   .name = "fake",
                                   .device_count = count,
                                   .ops = &ops,
                                   .rows = rows};
