/* Packing on the device: tiles, and which layout goes where. */
#include "cuda/pack.h"

#include "cuda/layout/tile_pack.h"
#include "cuda/pack_job.h"

static tare_status pack_tiles(cu_pack_job *j) {
    const tare_problem *p = j->p;
    cu_tile_shape q = cu_tile_shape_of(&p->w, p->n, p->k);
    int by_row = p->w.scaling == TARE_SCALE_ROW || p->w.scaling == TARE_SCALE_TENSOR;
    int steps = q.flush == 4 ? 4 : 2;
    int64_t spans = (q.chunks * 2 + steps - 1) / steps;
    cu_pack_room room = {.extremes = by_row ? p->n : 0};
    TARE_TRY(cu_pack_open(j, &room));
    if (by_row) {
        TARE_TRY(cu_pack_survey_queue(j, CU_SURVEY_EXTREMES));
        TARE_TRY(cu_pack_scales_queue(j, j->blob, q.scales_at, q.zeros_at, q.tiles * CU_TILE_ROWS));
    }
    cu_args a = cu_pack_args(j);
    a.at[CU_TILE_SCALES] = (int64_t)q.scales_at;
    a.at[CU_TILE_ZEROS] = (int64_t)q.zeros_at;
    a.i[CU_PACK_UNITS] = (int32_t)q.chunks;
    a.i[CU_PACK_FLUSH] = q.flush;
    TARE_TRY(cu_pack_warps(j->s, cu_pack_tile((int)p->w.value, steps), q.tiles * spans, &a));
    return cu_pack_verdict(j, -1, "values");
}

tare_status cu_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                           void *blob) {
    cu_pack_job j = {.d = state, .s = stream, .p = p, .w = w, .blob = blob};
    if (p->w.value == TARE_F8)
        TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: f8 weights are packed on the host");
    switch (p->w.layout) {
    case TARE_DENSE:
        return cu_pack_close(&j, pack_tiles(&j));
    case TARE_CSR:
        return cu_pack_close(&j, cu_pack_as_csr(&j));
    case TARE_BLOCK:
        return cu_pack_close(&j, cu_pack_as_blocks(&j));
    default:
        return cu_pack_close(&j, cu_pack_as_bitmap(&j));
    }
}
