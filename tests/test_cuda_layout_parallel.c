/* Packing on the host by several threads: on threads that a host lends, four of them, which run the
 * pieces last first, the blob is byte for byte what one thread makes; and the work is shared out.
 */
#include "cuda/layout/bitmap_pack.h"
#include "cuda/layout/nm24_pack.h"
#include "cuda/layout/tile_pack.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { N = 300, K = 500, THREADS = 4 }; /* more than one thread is worth */

static int pieces; /* that the host was lent for */

static void backwards(void *ctx, int n, void (*piece)(void *arg, int i), void *arg) {
    (void)ctx;
    pieces += n;
    while (n-- > 0) piece(arg, n);
}

typedef size_t packer(const tare_tensor *t, char **blob);

static size_t pack_bitmap(const tare_tensor *t, char **blob) {
    *blob = calloc(1, cu_bitmap_shape_of(&t->format, t->n, t->k, t->nnz).most);
    return cu_bitmap_pack(t, *blob);
}
static size_t pack_nm24(const tare_tensor *t, char **blob) {
    size_t bytes = cu_nm24_shape_of(&t->format, t->n, t->k).bytes;
    *blob = calloc(1, bytes);
    cu_nm24_pack(t, *blob);
    return bytes;
}
static size_t pack_tile(const tare_tensor *t, char **blob) {
    size_t bytes = cu_tile_shape_of(&t->format, t->n, t->k).bytes;
    *blob = calloc(1, bytes);
    cu_tile_pack(t, *blob);
    return bytes;
}

static size_t with_threads(int threads, packer *pack, const tare_tensor *t, char **blob) {
    cr_assert_eq(tare_set_parallel(backwards, NULL, threads), TARE_OK);
    pieces = 0;
    return pack(t, blob);
}

static void same_bytes(packer *pack, const char *format) {
    static float w[N * K];
    tare_format f;
    tare_tensor t;
    uint64_t seed = 9;
    char *one, *many;
    cr_assert_eq(tare_format_parse(format, &f), TARE_OK);
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &seed);
    cr_assert_eq(tare_encode(&f, N, K, w, &t), TARE_OK, "%s", tare_last_error());
    size_t bytes = with_threads(1, pack, &t, &one);
    cr_assert_eq(with_threads(THREADS, pack, &t, &many), bytes, "%s", format);
    cr_expect_geq(pieces, THREADS, "%s: %d pieces", format, pieces);
    cr_assert_eq(memcmp(one, many, bytes), 0, "%s", format);
    free(one);
    free(many);
    tare_tensor_clear(&t);
}

Test(cuda_layout_parallel, bitmaps) {
    same_bytes(pack_bitmap, "bitmap/i8-row");
    same_bytes(pack_bitmap, "bitmap/f16");
    same_bytes(pack_bitmap, "4:8/i8-row");
}
Test(cuda_layout_parallel, two_of_four) {
    same_bytes(pack_nm24, "2:4/f16");
    same_bytes(pack_nm24, "2:4/i8-row");
}
Test(cuda_layout_parallel, tiles) {
    same_bytes(pack_tile, "f8-row");
    same_bytes(pack_tile, "f8-tensor");
    same_bytes(pack_tile, "i8-row-z");
    same_bytes(pack_tile, "i4-g64");
    same_bytes(pack_tile, "f16");
}
