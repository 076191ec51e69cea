/* Pruning on the device: the host's side. Everything is queued at once; what finds W not finite
 * keeps those behind it from writing. */
#include "cuda/prune.h"

#include "cuda/pack_job.h"
#include "cuda/prune_args.h"
#include "cuda/small.h"

#include <math.h>

void cu_pack_survey(cu_args a);
void cu_prune_count(cu_args a);
void cu_prune_select(cu_args a);
void cu_prune_equals(cu_args a);
void cu_prune_drop(cu_args a);
void cu_prune_groups(cu_args a);
void cu_prune_norms(cu_args a);
void cu_prune_clear(cu_args a);

/* Blocks that count, a multiprocessor: as many as its shared memory holds bins for; and how many
 * values each has at least. */
enum { COUNT_BLOCKS = 6, COUNT_EACH = 4096 };

typedef struct job {
    cu_device *d;
    cu_stream *s;
    void *w;
    int64_t n, k;
    const tare_prune *how;
    char *scratch;
    size_t list_at, sums_at, norms_at;
    cu_pack_state seen;
} job;

static int64_t blocks_of(const job *j) {
    return cu_pieces(j->n, j->how->block_r) * cu_pieces(j->k, j->how->block_c);
}

static tare_status open_job(job *j) {
    int64_t norms = j->how->kind == TARE_PRUNE_BLOCK ? blocks_of(j) : 0;
    int64_t count = norms ? norms : j->n * j->k, segments = cu_pieces(count, CU_PACK_SEGMENT);
    int listed = j->how->kind != TARE_PRUNE_NM;
    void *mem;
    j->list_at = cu_up256(sizeof(cu_prune_state));
    j->sums_at = j->list_at + cu_up256(listed ? (size_t)segments * sizeof(uint32_t) : 0);
    j->norms_at = j->sums_at + cu_up256(listed ? cu_scan_bytes(segments) : 0);
    TARE_TRY(cu_alloc(j->d, j->norms_at + (size_t)norms * sizeof(float), &mem));
    j->scratch = mem;
    return cu_pack_clear(j->s, j->scratch, sizeof(cu_prune_state));
}

static tare_status close_job(job *j, tare_status s) {
    if (s != TARE_OK) (void)cudaStreamSynchronize(j->s->stream);
    cu_free(j->d, j->scratch);
    return s;
}

static cu_args args_of(const job *j) {
    int nm = j->how->kind == TARE_PRUNE_NM;
    return (cu_args){.x = j->w,
                     .y = j->w,
                     .w = j->scratch + j->list_at,
                     .extra = j->scratch,
                     .n = (int32_t)j->n,
                     .k = (int32_t)j->k,
                     .i = {[CU_PACK_P] = nm ? j->how->nm_n : j->how->block_r,
                           [CU_PACK_Q] = nm ? j->how->nm_m : j->how->block_c}};
}

/* The share of `count` values at v that are smallest. */
static tare_status drop_smallest(const job *j, void *v, int64_t count, int finite) {
    static const int bits[] = {11, 10, 10}, shift[] = {20, 10, 0};
    int64_t blocks = cu_pieces(count, COUNT_EACH), most = (int64_t)COUNT_BLOCKS * j->d->units;
    int64_t units = cu_pieces(count, CU_PACK_SEGMENT);
    cu_args a = {
        .x = v,
        .y = v,
        .w = j->scratch + j->list_at,
        .extra = j->scratch,
        .at = {[CU_PRUNE_COUNT] = count, [CU_PRUNE_GONE] = llround(j->how->share * (double)count)}};
    if (blocks > most) blocks = most;
    for (int pass = 0; pass < 3; pass++) {
        a.i[CU_PRUNE_SHIFT] = shift[pass];
        a.i[CU_PRUNE_BITS] = bits[pass];
        a.i[CU_PRUNE_FIRST] = pass == 0;
        a.i[CU_PRUNE_FINITE] = finite && pass == 0;
        TARE_TRY(
            cu_pack_threads(j->s, (const void *)cu_prune_count, blocks * 32 * CU_PACK_WARPS, &a));
        TARE_TRY(cu_pack_threads(j->s, (const void *)cu_prune_select, 1, &a));
    }
    TARE_TRY(cu_pack_warps(j->s, (const void *)cu_prune_equals, units, &a));
    TARE_TRY(cu_scan_queue(j->s, (uint32_t *)(void *)(j->scratch + j->list_at), units,
                           (uint32_t *)(void *)(j->scratch + j->sums_at)));
    return cu_pack_warps(j->s, (const void *)cu_prune_drop, units, &a);
}

static tare_status prune_groups(const job *j) {
    cu_args a = args_of(j), look = a;
    int64_t segments = cu_pieces(j->k, CU_PACK_SEGMENT);
    look.i[CU_PACK_UNITS] = (int32_t)segments;
    TARE_TRY(cu_pack_warps(j->s, (const void *)cu_pack_survey, j->n * segments, &look));
    return cu_pack_threads(j->s, (const void *)cu_prune_groups,
                           j->n * cu_pieces(j->k, j->how->nm_m), &a);
}

static tare_status prune_blocks(const job *j) {
    cu_args a = args_of(j), norms = a;
    int64_t segments = cu_pieces(j->k, CU_PACK_SEGMENT), blocks = blocks_of(j);
    int lanes = 1, area = j->how->block_r * j->how->block_c;
    while (lanes < 32 && lanes < area) lanes *= 2;
    norms.y = j->scratch + j->norms_at;
    norms.i[CU_PRUNE_LANES] = lanes;
    TARE_TRY(cu_pack_threads(j->s, (const void *)cu_prune_norms, blocks * lanes, &norms));
    TARE_TRY(drop_smallest(j, norms.y, blocks, 0));
    a.aux = norms.y;
    a.i[CU_PRUNE_LANES] = (int32_t)segments;
    return cu_pack_warps(j->s, (const void *)cu_prune_clear, j->n * segments, &a);
}

/* Waits; the words are those of the host. */
static tare_status verdict(job *j) {
    float v = 0;
    TARE_TRY(cu_read(j->d, j->s, j->scratch, 0, &j->seen, sizeof j->seen));
    TARE_TRY(cu_stream_sync(j->d, j->s));
    if (!j->seen.bad) return TARE_OK;
    int64_t at = (int64_t)~j->seen.bad_at;
    tare_status s = cu_read(j->d, j->s, j->w, (size_t)at * sizeof v, &v, sizeof v);
    if (s == TARE_OK) s = cu_stream_sync(j->d, j->s);
    if (s != TARE_OK) {
        (void)cudaStreamSynchronize(j->s->stream); /* before v is gone */
        return s;
    }
    TARE_FAIL(TARE_E_VALUE, "weights[%lld,%lld] is %s", (long long)(at / j->k),
              (long long)(at % j->k), isnan(v) ? "NaN" : "infinite");
}

static tare_status prune(job *j) {
    TARE_TRY(open_job(j));
    if (j->how->kind == TARE_PRUNE_NM)
        TARE_TRY(prune_groups(j));
    else if (j->how->kind == TARE_PRUNE_BLOCK)
        TARE_TRY(prune_blocks(j));
    else
        TARE_TRY(drop_smallest(j, j->w, j->n * j->k, 1));
    return verdict(j);
}

tare_status cu_prune(void *state, void *stream, void *w, int64_t n, int64_t k,
                     const tare_prune *how, int64_t *nnz) {
    job j = {.d = state, .s = stream, .w = w, .n = n, .k = k, .how = how};
    int64_t each = how->kind == TARE_PRUNE_BLOCK ? (int64_t)how->block_r * how->block_c : 1;
    tare_status s = close_job(&j, prune(&j));
    *nnz = s == TARE_OK ? (int64_t)j.seen.nnz * each : 0;
    return s;
}
