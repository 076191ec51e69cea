#include "tests/rowvalues.h"

#include <stdio.h>

static tare_status skip(rowvalues *count) {
    count->skipped++;
    snprintf(count->why, sizeof count->why, "%s", tare_last_error());
    return TARE_OK;
}

static tare_status pack(const tare_plan *plan, tare_stream *s, const float *w, tare_buffer *values,
                        tare_packed **packed, rowvalues *count) {
    size_t bytes = (size_t)(plan->problem.n * plan->problem.k) * sizeof *w;
    tare_packed *there = NULL;
    TARE_TRY(tare_buffer_write(s, values, 0, w, bytes));
    TARE_TRY(tare_stream_sync(s));
    tare_status st = tare_pack_values(plan, s, values, &there);
    if (st == TARE_E_UNSUPPORTED) return skip(count);
    TARE_TRY(st);
    tare_packed_destroy(*packed);
    *packed = there;
    st = tare_unpack_values(there, s, values);
    if (st == TARE_E_UNSUPPORTED) return skip(count);
    if (st == TARE_OK) st = tare_stream_sync(s);
    if (st == TARE_OK) count->done++;
    return st;
}

tare_status rowvalues_pack(const tare_plan *plan, tare_stream *s, const float *w,
                           tare_packed **packed, rowvalues *count) {
    tare_buffer *values;
    size_t bytes = (size_t)(plan->problem.n * plan->problem.k) * sizeof *w;
    if (!plan->row->pack_values) return TARE_OK;
    TARE_TRY(tare_buffer_create(plan->device, bytes, &values));
    tare_status st = pack(plan, s, w, values, packed, count);
    tare_buffer_destroy(values);
    return st;
}
