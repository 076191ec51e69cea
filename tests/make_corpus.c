/* Writes the seed corpus of fuzz_validate: one small valid tensor a format. Run by hand when the
 * formats change: make_corpus DIRECTORY. */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <stdio.h>

static void put(FILE *f, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++) fputc((int)(v >> (8 * i) & 255), f);
}

static int write_one(const char *dir, const char *name, int number) {
    enum { N = 5, K = 37 };
    float w[N * K];
    char path[1024];
    uint64_t state = 9;
    tare_tensor t;
    tare_format f;
    if (tare_format_parse(name, &f) != TARE_OK) return 0;
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    if (tare_encode(&f, N, K, w, &t) != TARE_OK) return 0;
    snprintf(path, sizeof path, "%s/%02d", dir, number);
    FILE *out = fopen(path, "wb");
    if (!out) return 0;
    const int32_t head[] = {(int32_t)f.value, (int32_t)f.layout, (int32_t)f.scaling,
                            f.zero_points,    f.group,           f.nm_n,
                            f.nm_m,           f.block_r,         f.block_c};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) put(out, (uint64_t)head[i], 1);
    put(out, N, 2);
    put(out, K, 2);
    put(out, (uint64_t)t.nnz, 4);
    for (int i = 0; i < TARE_PARTS; i++) {
        put(out, 0, 1); /* the right size */
        fwrite(t.part[i].data, 1, t.part[i].bytes, out);
    }
    tare_tensor_clear(&t);
    return fclose(out) == 0;
}

int main(int argc, char **argv) {
    for (int i = 0; argc == 2 && rowcheck_format(i); i++)
        if (!write_one(argv[1], rowcheck_format(i), i)) return 1;
    return argc != 2;
}
