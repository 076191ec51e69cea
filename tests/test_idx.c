/* The IDX reader against good and hostile files, all made here in memory. */
#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#include "src/data/fashion.h"
#include "src/data/idx.h"
#include "src/internal.h"

static const uint8_t plain[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};

static size_t gzip(const void *in, size_t size, uint8_t *out, size_t room) {
    z_stream z = {0};
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t made = z.total_out;
    deflateEnd(&z);
    return made;
}

static void refused(const void *file, size_t size, tare_status want, const char *text) {
    idx_array a;
    tare_status s = idx_parse("some.idx", file, size, &a);
    cr_assert_eq(s, want, "status %d: %s", (int)s, tare_last_error());
    cr_assert_null(a.data);
    cr_assert(strstr(tare_last_error(), "some.idx"), "no name in: %s", tare_last_error());
    cr_assert(strstr(tare_last_error(), text), "no '%s' in: %s", text, tare_last_error());
}

static void reads(const void *file, size_t size) {
    idx_array a;
    cr_assert_eq(idx_parse("some.idx", file, size, &a), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(a.dims, 2);
    cr_assert_eq(a.dim[0], 2);
    cr_assert_eq(a.dim[1], 3);
    cr_assert_eq(memcmp(a.data, plain + 12, 6), 0);
    idx_clear(&a);
}

Test(idx, reads_plain_and_gzipped) {
    uint8_t zip[256];
    reads(plain, sizeof plain);
    reads(zip, gzip(plain, sizeof plain, zip, sizeof zip));
}

Test(idx, refuses_every_truncation) {
    uint8_t zip[256];
    size_t size = gzip(plain, sizeof plain, zip, sizeof zip);
    for (size_t i = 0; i < sizeof plain; i++) refused(plain, i, TARE_E_FORMAT, "truncated");
    for (size_t i = 2; i < size; i++) refused(zip, i, TARE_E_FORMAT, "truncated");
}

Test(idx, refuses_every_flipped_bit_of_a_gzip_or_reads_the_same) {
    uint8_t zip[256], bad[256];
    size_t size = gzip(plain, sizeof plain, zip, sizeof zip);
    int refusals = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        memcpy(bad, zip, size);
        bad[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        idx_array a;
        if (idx_parse("bad", bad, size, &a) == TARE_OK) {
            cr_assert_eq(memcmp(a.data, plain + 12, 6), 0); /* a name or time field */
            idx_clear(&a);
        } else {
            refusals++;
        }
    }
    cr_assert_gt(refusals, (int)size * 4);
}

Test(idx, refuses_bytes_after_the_end) {
    uint8_t longer[sizeof plain + 1] = {0}, zip[256];
    memcpy(longer, plain, sizeof plain);
    refused(longer, sizeof longer, TARE_E_FORMAT, "after the end");
    size_t size = gzip(longer, sizeof longer, zip, sizeof zip);
    refused(zip, size, TARE_E_FORMAT, "offset 18: bytes after the end of the values");
    size = gzip(plain, sizeof plain, zip, sizeof zip);
    zip[size] = 0;
    refused(zip, size + 1, TARE_E_FORMAT, "after the end of the gzip stream");
}

Test(idx, refuses_wrong_headers) {
    uint8_t b[sizeof plain];
    memcpy(b, plain, sizeof b);
    b[1] = 1;
    refused(b, sizeof b, TARE_E_FORMAT, "offset 0: not an IDX file");
    memcpy(b, plain, sizeof b);
    b[2] = 0x0d;
    refused(b, sizeof b, TARE_E_FORMAT, "offset 2: values of type 0x0d");
    b[2] = 8;
    b[3] = 0;
    refused(b, sizeof b, TARE_E_FORMAT, "offset 3");
    b[3] = 5;
    refused(b, sizeof b, TARE_E_FORMAT, "offset 3");
    memcpy(b, plain, sizeof b);
    b[7] = 0;
    refused(b, sizeof b, TARE_E_SHAPE, "dimension 0 is zero");
}

Test(idx, refuses_sizes_that_overflow) {
    uint8_t b[4 + 16];
    memset(b, 0xff, sizeof b);
    b[0] = b[1] = 0;
    b[2] = 8;
    b[3] = 4;
    refused(b, sizeof b, TARE_E_SHAPE, "the dimensions make more than");
}

/* 1 GiB announced by a few bytes, and 1 MiB of zeros behind a header that announces 6. */
Test(idx, is_not_harmed_by_bombs) {
    static uint8_t zeros[1 << 20], zip[1 << 16];
    uint8_t b[sizeof plain];
    memcpy(b, plain, sizeof b);
    b[4] = 0x15;
    refused(b, sizeof b, TARE_E_FORMAT, "the header announces");
    refused(zip, gzip(b, sizeof b, zip, sizeof zip), TARE_E_FORMAT, "the header announces");
    memcpy(zeros, plain, sizeof plain);
    size_t size = gzip(zeros, sizeof zeros, zip, sizeof zip);
    refused(zip, size, TARE_E_FORMAT, "after the end of the values");
}

Test(idx, survives_a_failing_allocation) {
    idx_array a;
    tare_alloc_fail_at(1);
    cr_assert_eq(idx_parse("some.idx", plain, sizeof plain, &a), TARE_E_NOMEM);
    cr_assert_null(a.data);
}

Test(fashion, a_missing_directory_names_package_and_flag) {
    fashion f;
    cr_assert_eq(fashion_load("/nonexistent", &f), TARE_E_IO);
    cr_assert(strstr(tare_last_error(), "dataset-fashion-mnist"));
    cr_assert(strstr(tare_last_error(), "--data"));
    cr_assert(strstr(tare_last_error(), "/nonexistent/train-images-idx3-ubyte.gz"));
}

Test(fashion, inputs_are_pixels_over_255) {
    uint8_t image[] = {0, 255, 51, 102}, label[] = {0, 1};
    dataset d = {.count = 2, .width = 2, .classes = 2, .image = image, .label = label};
    uint32_t index[] = {1, 0};
    float x[4];
    dataset_inputs(&d, index, 0, 2, x);
    cr_assert_float_eq(x[0], 0.2f, 1e-7);
    cr_assert_float_eq(x[1], 0.4f, 1e-7);
    cr_assert_eq(x[2], 0);
    cr_assert_float_eq(x[3], 1, 1e-6);
    dataset_inputs(&d, NULL, 1, 1, x);
    cr_assert_float_eq(x[0], 0.2f, 1e-7);
}
