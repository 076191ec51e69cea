/* Walks the stored values of one row of a sparse tensor, whatever its layout: what packers that
 * interleave rows need. Values of blocks come column by column of the row. */
#ifndef TARE_CPU_KEPT_H
#define TARE_CPU_KEPT_H

#include "src/format/format.h"

typedef struct kept {
    const tare_tensor *t;
    int64_t row, at, end; /* index of the current value, and of the one behind the row's last */
    int64_t col;          /* its column; INT64_MAX past the last */
    int64_t word;         /* bitmap: the word that `bits` comes from */
    uint64_t bits;        /* bitmap: positions of the word that are still to come */
} kept;

static inline void kept_find(kept *r) {
    const tare_tensor *t = r->t;
    int64_t words = TARE_BITMAP_WORDS(t->k);
    r->col = INT64_MAX;
    if (r->at >= r->end) return;
    if (t->format.layout == TARE_NM)
        r->col = format_nm_column(t, r->row, r->at - r->end + format_nm_values(&t->format, t->k));
    if (t->format.layout == TARE_CSR) r->col = format_index(t, t->k, r->at);
    if (t->format.layout != TARE_BITMAP) return;
    const uint64_t *map = (const uint64_t *)t->part[TARE_INDICES].data + r->row * words;
    while (!r->bits) r->bits = map[++r->word];
    r->col = r->word * 64 + __builtin_ctzll(r->bits);
}

static inline void kept_next(kept *r) {
    r->at++;
    r->bits &= r->bits - 1;
    kept_find(r);
}

/* At the first value of `row`, which may be past the last row: then there are none. */
static inline void kept_open(kept *r, const tare_tensor *t, int64_t row) {
    *r = (kept){.t = t, .row = row, .word = -1, .col = INT64_MAX};
    if (row >= t->n) return;
    if (t->format.layout == TARE_NM) {
        int64_t values = format_nm_values(&t->format, t->k);
        r->at = row * values, r->end = r->at + values;
    } else {
        const uint32_t *offsets = t->part[TARE_OFFSETS].data;
        r->at = offsets[row], r->end = offsets[row + 1];
    }
    kept_find(r);
}

#endif
