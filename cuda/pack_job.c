/* A job of packing: its scratch, the passes that layouts share, and what is said of W in the end.
 */
#include "cuda/pack_job.h"

#include "cuda/small.h"
#include "src/format/format.h"

#include <string.h>

void cu_pack_survey(cu_args a);
void cu_pack_scales(cu_args a);
void cu_scan_blocks(cu_args a);
void cu_scan_sums(cu_args a);
void cu_scan_add(cu_args a);
void cu_pack_offsets(cu_args a);
void cu_pack_tail(cu_args a);

static int64_t blocks_of_scan(int64_t count) {
    return (count + CU_SCAN_BLOCK - 1) / CU_SCAN_BLOCK;
}

size_t cu_scan_bytes(int64_t count) {
    return (size_t)blocks_of_scan(count) * sizeof(uint32_t);
}

tare_status cu_pack_open(cu_pack_job *j, const cu_pack_room *r) {
    void *mem;
    j->scales_at = cu_up256((size_t)r->list * sizeof(uint32_t));
    j->sums_at = j->scales_at + cu_up256((size_t)r->scales * sizeof(float));
    j->state_at = j->sums_at + cu_up256(cu_scan_bytes(r->scanned));
    j->extremes_at = j->state_at + cu_up256(sizeof(cu_pack_state));
    j->flags_at = j->extremes_at + cu_up256((size_t)r->extremes * sizeof(cu_extremes));
    j->bytes = j->flags_at + (size_t)r->flags;
    TARE_TRY(cu_alloc(j->d, j->bytes, &mem));
    j->scratch = mem;
    return cu_pack_clear(j->s, j->scratch + j->state_at, j->bytes - j->state_at);
}

tare_status cu_pack_close(cu_pack_job *j, tare_status s) {
    if (s != TARE_OK) (void)cudaStreamSynchronize(j->s->stream);
    cu_free(j->d, j->scratch);
    return s;
}

cu_args cu_pack_args(const cu_pack_job *j) {
    const tare_problem *p = j->p;
    return (cu_args){.x = j->w,
                     .y = j->blob,
                     .w = j->scratch + j->list_at,
                     .extra = j->scratch + j->state_at,
                     .aux = j->scratch + j->extremes_at,
                     .n = (int32_t)p->n,
                     .k = (int32_t)p->k,
                     .at = {[CU_PACK_EXPECT] = -1},
                     .i = {[CU_PACK_VALUE] = (int32_t)p->w.value,
                           [CU_PACK_ONE] = p->w.scaling == TARE_SCALE_TENSOR,
                           [CU_PACK_GROUPS] = (int32_t)format_groups(&p->w, p->k),
                           [CU_PACK_WIDE] = p->w.zero_points,
                           [CU_PACK_P] = p->w.layout == TARE_NM ? p->w.nm_n : p->w.block_r,
                           [CU_PACK_Q] = p->w.layout == TARE_NM ? p->w.nm_m : p->w.block_c}};
}

tare_status cu_pack_threads(cu_stream *s, const void *kernel, int64_t threads, const cu_args *a) {
    int64_t block = 32 * CU_PACK_WARPS;
    cu_grid g = {.x = (unsigned)((threads + block - 1) / block), .threads = (unsigned)block};
    return cu_launch(s, kernel, &g, a);
}

tare_status cu_pack_warps(cu_stream *s, const void *kernel, int64_t warps, const cu_args *a) {
    return cu_pack_threads(s, kernel, warps * 32, a);
}

tare_status cu_pack_clear(cu_stream *s, void *mem, size_t bytes) {
    if (bytes == 0) return TARE_OK;
    TARE_TRY(cu_enter(s->device));
    TARE_TRY(cu_stream_span(s, CU_KERNEL));
    return CU(s->device, cudaMemsetAsync(mem, 0, bytes, s->stream));
}

tare_status cu_pack_gap(const cu_pack_job *j, size_t from, size_t to) {
    return cu_pack_clear(j->s, (char *)j->blob + from, to - from);
}

tare_status cu_pack_survey_queue(const cu_pack_job *j, int what) {
    cu_args a = cu_pack_args(j);
    int64_t segments = (j->p->k + CU_PACK_SEGMENT - 1) / CU_PACK_SEGMENT;
    a.i[CU_PACK_WHAT] = what;
    a.i[CU_PACK_UNITS] = (int32_t)segments;
    if (what & CU_SURVEY_BLOCKS) a.w = j->scratch + j->flags_at;
    return cu_pack_warps(j->s, (const void *)cu_pack_survey, j->p->n * segments, &a);
}

tare_status cu_pack_scales_queue(const cu_pack_job *j, void *out, size_t scales_at, size_t zeros_at,
                                 int64_t rows) {
    cu_args a = cu_pack_args(j);
    a.y = out;
    a.at[0] = (int64_t)scales_at;
    a.at[1] = (int64_t)zeros_at;
    a.at[CU_PACK_EXPECT] = rows;
    return cu_pack_threads(j->s, (const void *)cu_pack_scales, rows, &a);
}

tare_status cu_scan_queue(cu_stream *s, uint32_t *list, int64_t count, uint32_t *sums) {
    int64_t blocks = blocks_of_scan(count), threads = blocks * 32 * CU_PACK_WARPS;
    cu_args a = {.y = list, .extra = sums, .at = {count, blocks}};
    TARE_TRY(cu_pack_threads(s, (const void *)cu_scan_blocks, threads, &a));
    if (blocks == 1) return TARE_OK;
    TARE_TRY(cu_pack_threads(s, (const void *)cu_scan_sums, 1, &a));
    return cu_pack_threads(s, (const void *)cu_scan_add, threads, &a);
}

tare_status cu_pack_tail_queue(const cu_pack_job *j, const void *total, size_t base, size_t unit,
                               size_t end) {
    cu_args a = {.w = total, .y = j->blob, .at = {(int64_t)base, (int64_t)unit, (int64_t)end}};
    int64_t stores = (int64_t)(end - base) / 16, most = 1 << 16;
    if (stores == 0) return TARE_OK;
    return cu_pack_threads(j->s, (const void *)cu_pack_tail, stores < most ? stores : most, &a);
}

tare_status cu_pack_offsets_queue(const cu_pack_job *j, int64_t count, int64_t every) {
    cu_args a = {.w = j->scratch + j->list_at, .y = j->blob, .at = {count, every}};
    return cu_pack_threads(j->s, (const void *)cu_pack_offsets, count, &a);
}

/* ---- when a value does not fit ---- */

/* What tare_encode says of these weights, for its words. */
static tare_status ask_host(const cu_pack_job *j) {
    const tare_problem *p = j->p;
    size_t bytes = (size_t)(p->n * p->k) * sizeof(float);
    tare_tensor t;
    float *w = tare_alloc(bytes);
    if (!w) TARE_FAIL(TARE_E_VALUE, "weights: a value is not finite or too large");
    tare_status s = cu_read(j->d, j->s, j->w, 0, w, bytes);
    if (s == TARE_OK) s = cu_stream_sync(j->d, j->s);
    if (s == TARE_OK)
        s = tare_encode(&p->w, p->n, p->k, w, &t);
    else
        (void)cudaStreamSynchronize(j->s->stream);
    tare_free(w);
    if (s == TARE_OK) tare_tensor_clear(&t);
    return s;
}

tare_status cu_pack_verdict(cu_pack_job *j, int64_t expected, const char *what) {
    TARE_TRY(cu_read(j->d, j->s, j->scratch + j->state_at, 0, &j->seen, sizeof j->seen));
    TARE_TRY(cu_stream_sync(j->d, j->s));
    int other = expected >= 0 && j->seen.nnz != (unsigned long long)expected;
    if (!other && !j->seen.bad) return TARE_OK;
    TARE_TRY(ask_host(j)); /* NaN counts as a value as well */
    if (other)
        TARE_FAIL(TARE_E_ARG, "pack_values: W has %llu %s that are not 0, the plan is for %lld",
                  j->seen.nnz, what, (long long)expected);
    TARE_FAIL(TARE_E_DEVICE, "cuda: %s calls weights bad that are not", j->d->name);
}
