/* An encoding is the same bytes on every processor, by every compiler and in every release: what
 * was written down once (tests/data/bytes.txt) is held against what comes out here. A format that
 * changes on purpose changes its line; this test prints the line it would be. */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const struct { int64_t n, k; } shapes[] = {{17, 127}, {49, 65}, {2, 1021}};

static unsigned long add_tensor(unsigned long crc, const tare_tensor *t) {
    for (int i = 0; i < TARE_PARTS; i++)
        if (t->part[i].bytes) crc = crc32_z(crc, t->part[i].data, t->part[i].bytes);
    return crc;
}

/* Of all parts, and of what they decode to. */
static unsigned long crc_of(const tare_format *f) {
    unsigned long crc = 0;
    uint64_t state = 20261128;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int p = 0; p < PATTERNS; p++) {
            int64_t n = shapes[s].n, k = shapes[s].k;
            float *w = malloc((size_t)(n * k) * sizeof *w);
            tare_tensor t;
            fill_weights(w, n, k, f, (pattern)p, &state);
            cr_assert_eq(tare_encode(f, n, k, w, &t), TARE_OK, "%s", tare_last_error());
            crc = add_tensor(crc, &t);
            for (int64_t i = 0; i < n; i++) {
                cr_assert_eq(tare_decode_row(&t, i, w), TARE_OK);
                crc = crc32_z(crc, (const void *)w, (size_t)k * sizeof *w);
            }
            tare_tensor_clear(&t);
            free(w);
        }
    return crc;
}

/* "name crc" lines; "": the format has none. */
static void known(const char *name, char *out, size_t size) {
    char line[128];
    size_t length = strlen(name);
    FILE *f = fopen(TARE_TEST_DATA "/bytes.txt", "r");
    cr_assert(f, "%s", TARE_TEST_DATA "/bytes.txt");
    out[0] = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            snprintf(out, size, "%s", line);
    }
    fclose(f);
}

Test(bytes, of_every_format) {
    for (int i = 0; rowcheck_format(i); i++) {
        const char *name = rowcheck_format(i);
        char must[128], is[128];
        tare_format f;
        cr_assert_eq(tare_format_parse(name, &f), TARE_OK);
        snprintf(is, sizeof is, "%s %08lx", name, crc_of(&f));
        known(name, must, sizeof must);
        cr_expect(strcmp(must, is) == 0, "must be '%s', is '%s'", must, is);
    }
}

/* All halves and f8 codes to floats, and floats near each of them, ties included, back. */
Test(bytes, of_conversions) {
    unsigned long crc = 0;
    for (uint32_t h = 0; h < 1 << 16; h++) {
        float f = tare_f16_to_f32((uint16_t)h);
        if (f != f) continue; /* which NaN is the processor's affair */
        crc = crc32_z(crc, (const void *)&f, sizeof f);
        for (int32_t d = -0x1000; d <= 0x1000; d += 0x1000) {
            uint32_t bits;
            float near;
            memcpy(&bits, &f, sizeof bits);
            bits += (uint32_t)d;
            memcpy(&near, &bits, sizeof near);
            if (near != near) continue;
            uint16_t back[2] = {tare_f32_to_f16(near), tare_f32_to_bf16(near)};
            uint8_t f8 = tare_f32_to_f8(near);
            crc = crc32_z(crc, (const void *)back, sizeof back);
            crc = crc32_z(crc, &f8, 1);
        }
    }
    char must[128], is[128];
    snprintf(is, sizeof is, "conversions %08lx", crc);
    known("conversions", must, sizeof must);
    cr_expect(strcmp(must, is) == 0, "must be '%s', is '%s'", must, is);
}
