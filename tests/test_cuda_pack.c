/* Packing on CUDA devices, on the emulator: what tare_pack_values leaves there is, byte for byte,
 * what tare_encode and tare_pack upload, for every row that offers it; what does not fit is refused
 * in the same words; unpacking gives tare_decode_row's floats to the bit. */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { int64_t n, k; } shapes[] = {{1, 1}, {16, 64}, {17, 65}, {33, 132}, {5, 1157}};

typedef struct job {
    tare_device *d;
    tare_plan plan;
    tare_tensor t;
    tare_stream *s;
    tare_buffer *w;
    float *values;
} job;

static tare_device *device(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

static void close_job(job *j) {
    tare_buffer_destroy(j->w);
    tare_stream_destroy(j->s);
    tare_tensor_clear(&j->t);
    free(j->values);
}

/* 0: the row does not take this. The tensor is that of the values. */
static int open_job(job *j, const char *row, const char *name, int64_t n, int64_t k, pattern how,
                    uint32_t flags) {
    tare_format f;
    tare_plan_options only = {.only = row};
    uint64_t seed = 3;
    size_t bytes = (size_t)(n * k) * sizeof(float);
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK);
    if ((flags & TARE_X_I8) && f.scaling == TARE_SCALE_NONE) return 0;
    j->values = malloc(bytes);
    fill_weights(j->values, n, k, &f, how, &seed);
    for (int64_t i = 0; i < n * k; i += 11)
        if (j->values[i] == 0) j->values[i] = -0.0f;
    cr_assert_eq(tare_encode(&f, n, k, j->values, &j->t), TARE_OK, "%s", tare_last_error());
    tare_problem p = tare_problem_matmul(&j->t, 2, TARE_F32, TARE_F32, flags);
    if (tare_plan_make(j->d, &p, &only, &j->plan) != TARE_OK) {
        tare_tensor_clear(&j->t);
        free(j->values);
        return 0;
    }
    cr_assert_eq(tare_stream_create(j->d, &j->s), TARE_OK);
    cr_assert_eq(tare_buffer_create(j->d, bytes, &j->w), TARE_OK);
    return 1;
}

static void upload(job *j) {
    size_t bytes = (size_t)(j->t.n * j->t.k) * sizeof(float);
    cr_assert_eq(tare_buffer_write(j->s, j->w, 0, j->values, bytes), TARE_OK);
    cr_assert_eq(tare_stream_sync(j->s), TARE_OK);
}

static void read_back(const job *j, const void *mem, void *to, size_t bytes) {
    const tare_backend_ops *ops = j->d->backend->ops;
    cr_assert_eq(ops->read(j->d->state, j->s->state, mem, 0, to, bytes), TARE_OK);
    cr_assert_eq(ops->stream_sync(j->d->state, j->s->state), TARE_OK);
}

/* And back: into the buffer that W came from. */
static void same_floats(job *j, const tare_packed *packed, const char *what) {
    int64_t k = j->t.k;
    size_t bytes = (size_t)(j->t.n * k) * sizeof(float);
    float *got = malloc(bytes), *want = malloc((size_t)k * sizeof(float));
    cr_assert_eq(tare_unpack_values(packed, j->s, j->w), TARE_OK, "%s: %s", what,
                 tare_last_error());
    cr_assert_eq(tare_buffer_read(j->s, j->w, 0, got, bytes), TARE_OK);
    cr_assert_eq(tare_stream_sync(j->s), TARE_OK);
    for (int64_t i = 0; i < j->t.n; i++) {
        cr_assert_eq(tare_decode_row(&j->t, i, want), TARE_OK);
        for (int64_t c = 0; c < k; c++)
            cr_assert(got[i * k + c] == want[c] && !isnan(want[c]),
                      "%s: [%lld,%lld] is %g, must be %g", what, (long long)i, (long long)c,
                      (double)got[i * k + c], (double)want[c]);
    }
    free(got);
    free(want);
}

static void same_bytes(job *j, const char *what) {
    tare_packed *host, *there;
    size_t bytes = j->plan.packed_bytes;
    char *a = calloc(bytes, 1), *b = malloc(bytes);
    upload(j);
    cr_assert_eq(tare_pack(&j->plan, &j->t, &host), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_pack_values(&j->plan, j->s, j->w, &there), TARE_OK, "%s: %s", what,
                 tare_last_error());
    cr_assert_eq(tare_packed_bytes(there), bytes);
    read_back(j, host->mem, a, tare_packed_bytes(host));
    read_back(j, there->mem, b, bytes); /* zeros behind what the host uses */
    for (size_t i = 0; i < bytes; i++)
        cr_assert_eq(a[i], b[i], "%s: byte %zu of %zu is %d, must be %d", what, i, bytes,
                     b[i] & 255, a[i] & 255);
    same_floats(j, there, what);
    tare_packed_destroy(host);
    tare_packed_destroy(there);
    free(a);
    free(b);
}

/* Every format a row packs there, at awkward shapes, each pattern of data in turn. */
static long check_row(tare_device *d, const tare_kernel *row, int *turn) {
    long done = 0;
    for (int f = 0; rowcheck_format(f); f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int i8 = 0; i8 < 2; i8++) {
                job j = {.d = d};
                char what[200];
                pattern how = (pattern)(*turn % PATTERNS);
                if (!open_job(&j, row->name, rowcheck_format(f), shapes[s].n, shapes[s].k, how,
                              i8 ? TARE_X_I8 : 0))
                    continue;
                ++*turn;
                snprintf(what, sizeof what, "%s, %s, %s, %lld x %lld", row->name,
                         rowcheck_format(f), pattern_name(how), (long long)shapes[s].n,
                         (long long)shapes[s].k);
                same_bytes(&j, what);
                close_job(&j);
                done++;
            }
    return done;
}

static int packs(const tare_kernel *row) {
    return row->pack_values && row->needs == 1; /* what every device has */
}

Test(cuda_pack, same_bytes_as_the_host, .timeout = 300) {
    tare_device *d = device();
    int rows = 0, turn = 0;
    for (const tare_kernel *const *r = d->backend->rows; *r; r++) {
        if (!packs(*r)) continue;
        cr_expect_gt(check_row(d, *r, &turn), 0, "%s took nothing", (*r)->name);
        rows++;
    }
    cr_assert_geq(rows, 11, "rows that pack on the device: %d", rows);
}

/* Formats beside those of every test: groups of M that no lane holds whole, other blocks, wide
 * columns of CSR, more numbers than one block adds up. */
Test(cuda_pack, other_shapes_and_patterns, .timeout = 300) {
    static const struct {
        const char *row, *format;
        int64_t n, k;
    } cases[] = {{"matmul_nm_cu", "3:5/f16", 18, 77},
                 {"matmul_nm_cu", "5:16/i8-tensor", 7, 70},
                 {"matmul_nm_cu", "1:2/bf16", 3, 67},
                 {"matmul_nm_cu", "9:10/f32", 2, 64},
                 {"matmul_csr_cu", "csr/bf16", 2, 66000},
                 {"matmul_csr_cu", "csr/i8-tensor", 300, 3},
                 {"matmul_csr_cu", "csr/f16", 4200, 1},
                 {"matmul_bs_cu", "bs1x1/f16", 37, 50},
                 {"matmul_bs_cu", "bs7x128/bf16", 40, 200},
                 {"matmul_bs_cu", "bs64x2/i8-tensor", 70, 9},
                 {"matmul_bitmap_cu", "bitmap/i8-tensor", 40, 130}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (pattern how = 0; how < PATTERNS; how++) {
            job j = {.d = device()};
            char what[200];
            if (cases[i].n * cases[i].k > 9000 && how > PATTERN_SPARSE) continue;
            cr_assert(open_job(&j, cases[i].row, cases[i].format, cases[i].n, cases[i].k, how, 0),
                      "%s: %s", cases[i].format, tare_last_error());
            snprintf(what, sizeof what, "%s, %s", cases[i].format, pattern_name(how));
            same_bytes(&j, what);
            close_job(&j);
        }
}

/* Values from one end of float to the other: scales that are clamped, that round up past the
 * largest float, that are subnormal; equal magnitudes, of which N:M keeps the lower columns. */
Test(cuda_pack, ends_of_the_range, .timeout = 120) {
    static const struct {
        const char *row, *format;
        float scale;
    } cases[] = {
        {"matmul_w8_cu", "i8-row", 0x1p-149f},   {"matmul_w8_cu", "i8-row", 0x1.fffffep127f},
        {"matmul_w8_cu", "i8-row-z", 0x1p-140f}, {"matmul_w8_cu", "i8-row-z", 1e36f},
        {"matmul_w8_cu", "i8-g64", 1e-9f},       {"matmul_w4_cu", "i4-g32", 1e-9f},
        {"matmul_w4_cu", "i4-g64-z", 1e5f},      {"matmul_w4_cu", "i4-g128", 4.5e5f},
        {"matmul_f16_cu", "f16", 65504},         {"matmul_f16_cu", "f16", 1e-6f},
        {"matmul_bf16_cu", "bf16", 1e-40f},      {"matmul_nm_cu", "2:4/f32", 1},
        {"matmul_bs_cu", "bs4x4/i8-row", 3e38f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int coarse = 0; coarse < 2; coarse++) {
            job j = {.d = device()};
            uint64_t seed = 9;
            cr_assert(open_job(&j, cases[i].row, cases[i].format, 19, 131, PATTERN_FULL, 0));
            for (int64_t v = 0; v < 19 * 131; v++) {
                float u = random_unit(&seed);
                j.values[v] = cases[i].scale * (coarse ? rintf(u * 2) / 2 : u);
                if (j.values[v] == 0) j.values[v] = cases[i].scale;
            }
            tare_tensor_clear(&j.t);
            cr_assert_eq(tare_encode(&j.plan.problem.w, 19, 131, j.values, &j.t), TARE_OK, "%s: %s",
                         cases[i].format, tare_last_error());
            same_bytes(&j, cases[i].format);
            close_job(&j);
        }
}

/* One value is spoilt; both ways must refuse it in the same words. */
static void refused(const char *row, const char *format, float bad) {
    job j = {.d = device()};
    tare_packed *w = NULL;
    tare_tensor none;
    char words[300];
    cr_assert(open_job(&j, row, format, 20, 70, PATTERN_FULL, 0), "%s", tare_last_error());
    j.values[13 * 70 + 5] = bad;
    tare_status s = tare_encode(&j.t.format, 20, 70, j.values, &none);
    cr_assert_neq(s, TARE_OK);
    snprintf(words, sizeof words, "%s", tare_last_error());
    upload(&j);
    cr_expect_eq(tare_pack_values(&j.plan, j.s, j.w, &w), s, "%s %s", row, format);
    cr_expect_str_eq(tare_last_error(), words);
    cr_expect_null(w);
    j.values[13 * 70 + 5] = 0.5f; /* and the next call works */
    tare_tensor_clear(&j.t);
    cr_assert_eq(tare_encode(&j.plan.problem.w, 20, 70, j.values, &j.t), TARE_OK);
    same_bytes(&j, row);
    close_job(&j);
}

Test(cuda_pack, refuses_what_does_not_fit, .timeout = 120) {
    refused("matmul_w8_cu", "i8-row", NAN);
    refused("matmul_w8_cu", "i8-tensor", INFINITY);
    refused("matmul_w4_cu", "i4-g64", -INFINITY);
    refused("matmul_w4_cu", "i4-g32", 1e7f); /* the scale is no f16 */
    refused("matmul_w8_cu", "i8-row-z", INFINITY);

    refused("matmul_f32_cu", "f32", NAN);
    refused("matmul_f16_cu", "f16", 65520.0f);
    refused("matmul_bf16_cu", "bf16", 3.4e38f);
    refused("matmul_nm_cu", "2:4/f16", NAN);
    refused("matmul_csr_cu", "csr/f32", INFINITY);
    refused("matmul_bs_cu", "bs4x4/bf16", NAN);
    refused("matmul_bitmap_cu", "bitmap/f16", 1e6f);
}

static void another_number(const char *row, const char *format, const char *words) {
    job j = {.d = device()};
    tare_packed *w = NULL;
    cr_assert(open_job(&j, row, format, 20, 70, PATTERN_SPARSE, 0));
    for (int i = 0; i < 20 * 70; i++) j.values[i] = 1;
    upload(&j);
    cr_expect_eq(tare_pack_values(&j.plan, j.s, j.w, &w), TARE_E_ARG);
    cr_expect_not_null(strstr(tare_last_error(), words), "%s", tare_last_error());
    j.values[7] = NAN; /* which is what is wrong in the first place */
    upload(&j);
    cr_expect_eq(tare_pack_values(&j.plan, j.s, j.w, &w), TARE_E_VALUE);
    cr_expect_not_null(strstr(tare_last_error(), "weights[0,7] is NaN"), "%s", tare_last_error());
    memset(j.values, 0, 20 * 70 * sizeof(float)); /* fewer than planned */
    upload(&j);
    cr_expect_eq(tare_pack_values(&j.plan, j.s, j.w, &w), TARE_E_ARG);
    cr_expect_not_null(strstr(tare_last_error(), "W has 0 "), "%s", tare_last_error());
    cr_expect_null(w);
    close_job(&j);
}

Test(cuda_pack, another_number_of_values, .timeout = 60) {
    another_number("matmul_csr_cu", "csr/f32", "W has 1400 values that are not 0");
    another_number("matmul_bitmap_cu", "bitmap/i8-row", "W has 1400 values that are not 0");
    another_number("matmul_bs_cu", "bs4x4/f16", "W has 90 blocks that are not 0");
}
