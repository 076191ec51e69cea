/* Packing of block-sparse weights into wgmma's tiles, and back. */
#include "cuda/layout/slabs_pack.h"

#include "src/format/format.h"

#include <string.h>

static size_t up16(size_t v) {
    return (v + 15) / 16 * 16;
}

cu_slabs_shape cu_slabs_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz) {
    int64_t r = f->block_r, c = f->block_c;
    cu_slabs_shape s = {.groups = (n + CU_SLAB - 1) / CU_SLAB};
    int64_t of_block = r / CU_SLAB * (c / CU_SLAB), all = s.groups * ((k + CU_SLAB - 1) / CU_SLAB);
    int64_t blocks = nnz / (r * c);
    s.most_tiles = blocks > all / of_block ? all : blocks * of_block;
    s.columns_at = up16((size_t)(s.groups + 1) * sizeof(uint32_t));
    s.values_at = s.columns_at + up16((size_t)s.most_tiles * sizeof(uint32_t));
    s.most = s.values_at + (size_t)s.most_tiles * CU_SLAB_BYTES;
    return s;
}

/* The columns of 64 that a group's blocks stand in: place[q] counts from 1, 0 where there is
 * none. */
static uint32_t put_columns(const tare_tensor *t, int64_t group, uint32_t tiles, uint32_t *place,
                            uint32_t *columns) {
    const tare_format *f = &t->format;
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    int64_t row = group * CU_SLAB / f->block_r, across = (t->k + CU_SLAB - 1) / CU_SLAB;
    int64_t in_row = (t->k + f->block_c - 1) / f->block_c, wide = f->block_c / CU_SLAB;
    memset(place, 0, (size_t)across * sizeof *place);
    for (int64_t b = offsets[row]; b < offsets[row + 1]; b++) {
        int64_t from = (int64_t)format_index(t, in_row, b) * wide;
        for (int64_t q = from; q < from + wide && q < across; q++) place[q] = 1;
    }
    for (int64_t q = 0; q < across; q++) {
        if (!place[q]) continue;
        columns[tiles++] = (uint32_t)q;
        place[q] = tiles;
    }
    return tiles;
}

static void put_row(const tare_tensor *t, int64_t i, const uint32_t *place, double *row,
                    char *values) {
    memset(row, 0, (size_t)t->k * sizeof *row);
    format_layout(&t->format)->decode_row(t, format_coding(&t->format), i, row);
    for (int64_t j = 0; j < t->k; j++) {
        uint32_t tile = place[j / CU_SLAB];
        int in = cu_slab_find((int)(i % CU_SLAB), (int)(j % CU_SLAB));
        if (tile)
            tare_store(t->format.value, values + (size_t)(tile - 1) * CU_SLAB_BYTES, (size_t)in,
                       (float)row[j]);
    }
}

tare_status cu_slabs_pack(const tare_tensor *t, void *blob, size_t *used) {
    cu_slabs_shape s = cu_slabs_shape_of(&t->format, t->n, t->k, t->nnz);
    uint32_t *offsets = blob, *columns = (uint32_t *)(void *)((char *)blob + s.columns_at);
    char *values = (char *)blob + s.values_at;
    double *row = tare_alloc((size_t)t->k * sizeof *row);
    uint32_t *place = tare_alloc((size_t)((t->k + CU_SLAB - 1) / CU_SLAB) * sizeof *place);
    int ok = row && place;
    for (int64_t group = 0; ok && group < s.groups; group++) {
        offsets[group + 1] = put_columns(t, group, offsets[group], place, columns);
        for (int64_t i = group * CU_SLAB; i < (group + 1) * CU_SLAB && i < t->n; i++)
            put_row(t, i, place, row, values);
    }
    if (ok) *used = s.values_at + (size_t)offsets[s.groups] * CU_SLAB_BYTES;
    tare_free(row);
    tare_free(place);
    if (!ok) TARE_FAIL(TARE_E_NOMEM, "pack: no memory for a row of %lld values", (long long)t->k);
    return TARE_OK;
}

void cu_slabs_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                         int64_t row, float *out) {
    cu_slabs_shape s = cu_slabs_shape_of(f, n, k, nnz);
    const uint32_t *offsets = blob;
    const uint32_t *columns = (const uint32_t *)(const void *)((const char *)blob + s.columns_at);
    const char *values = (const char *)blob + s.values_at;
    memset(out, 0, (size_t)k * sizeof *out);
    for (uint32_t i = offsets[row / CU_SLAB]; i < offsets[row / CU_SLAB + 1]; i++)
        for (int c = 0; c < CU_SLAB; c++) {
            int64_t column = (int64_t)columns[i] * CU_SLAB + c;
            if (column < k)
                out[column] = tare_load(f->value, values + (size_t)i * CU_SLAB_BYTES,
                                        (size_t)cu_slab_find((int)(row % CU_SLAB), c));
        }
}
