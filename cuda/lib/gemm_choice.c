/* Which algorithm: the first that the heuristic offers is not always the fastest, so its candidates
 * run against each other, once per product and m.
 *
 * Operands are as in use: values that are never zero, since zeros draw less power and run faster,
 * and weights that no cache holds. These lie in copies at the begin of a region of twice the last
 * cache. Each sample first writes the whole region, which pushes the copies out of the cache and
 * keeps the device busy while the host queues what is timed, so that launches are not what is
 * measured; then the copies are multiplied in turn. Candidates take turns within a round, so that a
 * slow spell meets all of them, and the median of the rounds counts. */
#include "cuda/lib/gemm_choice.h"
#include "cuda/small.h"

#include <stdlib.h>
#include <string.h>

void cu_pattern(cu_args a);

enum { ROUNDS = 5, COPIES = 8, KEEP = 0, SET = 1, PIECES_OF_A_BLOCK = 2048, BLOCKS = 1056 };

typedef struct bench {
    cu_device *device;
    const cu_lt_state *lt;
    const cu_gemm *g;
    cu_stream *s;
    cudaEvent_t from, to;
    char *mem;
    size_t region, copy; /* bytes written before a sample; from one copy of W to the next */
    int copies;
    cu_gemm_operands o;
} bench;

static size_t bytes_of(cudaDataType_t t) {
    return t == CUDA_R_32F || t == CUDA_R_32I ? 4 : t == CUDA_R_16F || t == CUDA_R_16BF ? 2 : 1;
}

/* Random signs and mantissas, magnitudes in [1/2, 1); any int8. */
static tare_status fill(bench *b, void *mem, size_t bytes, cudaDataType_t type) {
    uint32_t keep = type == CUDA_R_32F    ? 0x807fffff
                    : type == CUDA_R_16F  ? 0x83ff83ff
                    : type == CUDA_R_16BF ? 0x807f807f
                    : type == CUDA_R_8I   ? 0xffffffff
                                          : 0x87878787;
    uint32_t set = type == CUDA_R_32F    ? 0x3f000000
                   : type == CUDA_R_16F  ? 0x38003800
                   : type == CUDA_R_16BF ? 0x3f003f00
                   : type == CUDA_R_8I   ? 0x01010101
                                         : 0x30303030;
    int64_t pieces = (int64_t)(bytes / 16),
            blocks = (pieces + PIECES_OF_A_BLOCK - 1) / PIECES_OF_A_BLOCK;
    cu_args a = {.y = mem, .at = {pieces}, .i = {[KEEP] = (int32_t)keep, [SET] = (int32_t)set}};
    cu_grid grid = {.x = (unsigned)(blocks < BLOCKS ? blocks : BLOCKS), .threads = 256};
    return cu_launch(b->s, (const void *)cu_pattern, &grid, &a);
}

/* One block of memory: region, x, y, the vectors, workspace. *there = 0: it can't be had. */
static tare_status take_operands(bench *b, int *there) {
    const cu_gemm_spec *p = &b->g->spec;
    size_t in = bytes_of(p->in), twice = cu_up256(2 * (size_t)b->device->l2_bytes);
    size_t x = cu_up256((size_t)(p->m * p->ldx) * in),
           y = cu_up256((size_t)(p->m * p->ldy) * bytes_of(p->out)),
           vectors =
               2 * cu_up256((size_t)p->n * sizeof(float)) + cu_up256((size_t)p->m * sizeof(float));
    void *mem = NULL;
    b->copy = cu_up256((size_t)(p->n * p->ldw) * in);
    b->region = b->copy > twice ? b->copy : twice;
    size_t copies = b->region / 2 / b->copy;
    b->copies = copies < 1 ? 1 : copies < COPIES ? (int)copies : COPIES;
    tare_status s = cu_alloc(b->device, b->region + x + y + vectors + CU_GEMM_WORKSPACE, &mem);
    *there = s == TARE_OK;
    if (s == TARE_E_NOMEM) return TARE_OK;
    TARE_TRY(s);
    b->mem = mem;
    char *at = b->mem + b->region, *v = at + x + y;
    b->o = (cu_gemm_operands){.x = at,
                              .y = at + x,
                              .bias = (float *)(void *)v,
                              .w_scale = (float *)(void *)(v + cu_up256((size_t)p->n * 4)),
                              .x_scale = (float *)(void *)(v + 2 * cu_up256((size_t)p->n * 4)),
                              .workspace = v + vectors};
    TARE_TRY(fill(b, at, x, p->in));
    return fill(b, v, vectors, CUDA_R_32F);
}

/* One copy of W. *works = 0: the library does not do it with this algorithm after all. */
static tare_status queue(bench *b, const cublasLtMatmulAlgo_t *algo, int copy, int *works) {
    b->o.w = b->mem + (size_t)copy * b->copy;
    cublasStatus_t s = cu_gemm_queue(b->lt, b->g, algo, &b->o, b->s->stream);
    *works = s == CUBLAS_STATUS_SUCCESS;
    if (*works) return TARE_OK;
    tare_status st = cu_lt_check(b->device, "Matmul", s);
    return s == CUBLAS_STATUS_EXECUTION_FAILED || s == CUBLAS_STATUS_ALLOC_FAILED ? st : TARE_OK;
}

static tare_status sample(bench *b, const cublasLtMatmulAlgo_t *algo, float *ms, int *works) {
    cu_device *d = b->device;
    *works = 1;
    TARE_TRY(fill(b, b->mem, b->region, b->g->spec.in));
    TARE_TRY(CU(d, cudaEventRecord(b->from, b->s->stream)));
    for (int i = 0; i < b->copies && *works; i++) TARE_TRY(queue(b, algo, i, works));
    TARE_TRY(CU(d, cudaEventRecord(b->to, b->s->stream)));
    TARE_TRY(CU(d, cudaStreamSynchronize(b->s->stream)));
    return CU(d, cudaEventElapsedTime(ms, b->from, b->to));
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static tare_status race(bench *b, const cublasLtMatmulAlgo_t *algo, int count, int *best) {
    float ms[CU_GEMM_CANDIDATES][ROUNDS], least = 0;
    int works[CU_GEMM_CANDIDATES], found = 0;
    for (int c = 0; c < count; c++) TARE_TRY(sample(b, &algo[c], &ms[c][0], &works[c]));
    for (int r = 0; r < ROUNDS; r++)
        for (int c = 0; c < count; c++)
            if (works[c]) TARE_TRY(sample(b, &algo[c], &ms[c][r], &works[c]));
    for (int c = 0; c < count; c++) {
        if (!works[c]) continue;
        qsort(ms[c], ROUNDS, sizeof(float), ascending);
        if (found && ms[c][ROUNDS / 2] >= least) continue;
        least = ms[c][ROUNDS / 2];
        *best = c;
        found = 1;
    }
    if (found) return TARE_OK;
    TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: all %d algorithms of cuBLASLt's heuristic fail on %s",
              count, b->device->name);
}

static tare_status open_bench(bench *b, int *there) {
    void *stream;
    TARE_TRY(cu_stream_create(b->device, &stream));
    b->s = stream;
    TARE_TRY(CU(b->device, cudaEventCreateWithFlags(&b->from, 0)));
    TARE_TRY(CU(b->device, cudaEventCreateWithFlags(&b->to, 0)));
    return take_operands(b, there);
}

static void close_bench(bench *b) {
    if (b->s) (void)cudaStreamSynchronize(b->s->stream);
    if (b->from) (void)cudaEventDestroy(b->from);
    if (b->to) (void)cudaEventDestroy(b->to);
    if (b->s) cu_stream_destroy(b->device, b->s);
    cu_free(b->device, b->mem);
}

/* Without memory for operands the heuristic decides: a run needs none of it. */
tare_status cu_gemm_measure(cu_device *d, const cu_lt_state *lt, const cu_gemm *g,
                            const cublasLtMatmulAlgo_t *candidates, int count, int *best) {
    bench b = {.device = d, .lt = lt, .g = g};
    int there = 0;
    *best = 0;
    tare_status s = open_bench(&b, &there);
    if (s == TARE_OK && there) s = race(&b, candidates, count, best);
    close_bench(&b);
    return s;
}
