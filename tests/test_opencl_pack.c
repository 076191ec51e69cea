/* Packing on the device: what tare_pack_values leaves there is, byte for byte, what tare_encode and
 * tare_pack upload, for every row that offers it; what does not fit is refused in the same words.
 */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int64_t n, k;
} shapes[] = {{1, 1}, {16, 64}, {17, 65}, {33, 130}, {5, 257}, {40, 96}};

/* The device's memory from the start of a buffer. */
static void read_back(tare_device *d, tare_stream *s, const void *mem, void *to, size_t bytes) {
    const tare_backend_ops *ops = d->backend->ops;
    cr_assert_eq(ops->read(d->state, s->state, mem, 0, to, bytes), TARE_OK);
    cr_assert_eq(ops->stream_sync(d->state, s->state), TARE_OK);
}

typedef struct job {
    tare_device *d;
    tare_plan plan;
    tare_tensor t;
    tare_stream *s;
    tare_buffer *w;
    float *values;
} job;

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
            cr_assert(got[i * k + c] == want[c], "%s: [%lld,%lld] is %g, must be %g", what,
                      (long long)i, (long long)c, (double)got[i * k + c], (double)want[c]);
    }
    free(got);
    free(want);
}

static void same_bytes(job *j, const char *what) {
    tare_packed *host, *there;
    size_t bytes = j->plan.packed_bytes;
    char *a = malloc(bytes), *b = malloc(bytes);
    upload(j);
    cr_assert_eq(tare_pack(&j->plan, &j->t, &host), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_pack_values(&j->plan, j->s, j->w, &there), TARE_OK, "%s: %s", what,
                 tare_last_error());
    cr_assert_eq(tare_packed_bytes(there), bytes);
    read_back(j->d, j->s, host->mem, a, tare_packed_bytes(host));
    read_back(j->d, j->s, there->mem, b, bytes);
    for (size_t i = 0; i < tare_packed_bytes(host); i++)
        cr_assert_eq(a[i], b[i], "%s: byte %zu of %zu is %d, must be %d", what, i, bytes,
                     b[i] & 255, a[i] & 255);
    same_floats(j, there, what);
    tare_packed_destroy(host);
    tare_packed_destroy(there);
    free(a);
    free(b);
}

static int devices(tare_device **out, int max) {
    int count = 0;
    for (int i = 0; i < tare_device_count() && count < max; i++)
        if (!tare_device_get(i)->backend->host_memory) out[count++] = tare_device_get(i);
    cr_assert_gt(count, 0, "no device but the CPU; on Debian, pocl-opencl-icd makes one");
    return count;
}

/* Every format a row packs on the device, at awkward shapes, each pattern of data in turn. */
static long check_row(tare_device *d, const tare_kernel *row) {
    long done = 0;
    int turn = 0;
    for (int f = 0; rowcheck_format(f); f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int i8 = 0; i8 < 2; i8++) {
                job j = {.d = d};
                char what[200];
                pattern how = (pattern)(turn++ % PATTERNS);
                if (!open_job(&j, row->name, rowcheck_format(f), shapes[s].n, shapes[s].k, how,
                              i8 ? TARE_X_I8 : 0))
                    continue;
                snprintf(what, sizeof what, "%s on %s, %s, %s, %lld x %lld", row->name, d->info.id,
                         rowcheck_format(f), pattern_name(how), (long long)shapes[s].n,
                         (long long)shapes[s].k);
                same_bytes(&j, what);
                close_job(&j);
                done++;
            }
    return done;
}

Test(opencl_pack, same_bytes_as_the_host, .timeout = 300) {
    tare_device *list[8];
    int count = devices(list, 8), rows = 0;
    for (int i = 0; i < count; i++)
        for (const tare_kernel *const *r = list[i]->backend->rows; *r; r++) {
            char why[160];
            if (!(*r)->pack_values || !tare_plan_features(list[i], *r, why)) continue;
            cr_expect_gt(check_row(list[i], *r), 0, "%s took nothing", (*r)->name);
            rows++;
        }
    cr_assert_geq(rows, 10, "rows that pack on the device: %d", rows);
}

/* Values that a device without subnormals, doubles or exact quotients might get wrong: subnormal
 * ones alone and among others, rows of one sign, scales at both ends, quotients half way between
 * two codes and a float beside it. */
static void make_hard(float *w, int64_t n, int64_t k) {
    uint64_t state = 11;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) {
            float unit = random_unit(&state), v = unit;
            int half = (int)(next_random(&state) % 253) - 126;
            if (i % 8 == 1) v = unit * 0x1p-130f;
            if (i % 8 == 2) v = j % 3 ? unit * 0x1p-128f : unit;
            if (i % 8 == 3) v = fabsf(unit) * 0x1p-120f;
            if (i % 8 == 4) v = -fabsf(unit) * 1000;
            if (i % 8 == 5) v = j ? nextafterf(((float)half + 0.5f) / 127, (float)(j % 3) - 1) : 1;
            if (i % 8 == 6) v = j ? ((float)half + 0.5f) / 128 : 127.0f / 128;
            if (i % 8 == 7) v = j % 5 ? 0 : unit * 0x1p-149f * (float)(j + 1);
            w[i * k + j] = v;
        }
}

Test(opencl_pack, values_at_the_edges_of_float, .timeout = 300) {
    static const char *const formats[] = {
        "f32",     "bf16",       "i8-row",    "i8-tensor",    "i8-g64",     "i8-row-z", "i8-g32-z",
        "i4-g32",  "i4-g128-z",  "2:4/f32",   "2:4/bf16",     "2:4/i8-row", "4:8/f32",  "csr/f32",
        "csr/f16", "csr/i8-row", "bs4x4/f32", "bs4x4/i8-row", "bitmap/f32"};
    enum { N = 24, K = 200 };
    tare_device *list[8];
    int count = devices(list, 8);
    for (int i = 0; i < count; i++)
        for (const tare_kernel *const *r = list[i]->backend->rows; *r; r++)
            for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
                job j = {.d = list[i]};
                char what[200];
                if (!(*r)->pack_values ||
                    !open_job(&j, (*r)->name, formats[f], N, K, PATTERN_FULL, 0))
                    continue;
                make_hard(j.values, N, K);
                tare_tensor_clear(&j.t);
                cr_assert_eq(tare_encode(&j.plan.problem.w, N, K, j.values, &j.t), TARE_OK);
                tare_problem p = tare_problem_matmul(&j.t, 2, TARE_F32, TARE_F32, 0);
                tare_plan_options only = {.only = (*r)->name};
                cr_assert_eq(tare_plan_make(j.d, &p, &only, &j.plan), TARE_OK);
                snprintf(what, sizeof what, "%s on %s, %s", (*r)->name, list[i]->info.id,
                         formats[f]);
                same_bytes(&j, what);
                close_job(&j);
            }
}

/* One value is spoilt; both ways must refuse it in the same words. */
static void refused(const char *row, const char *format, float bad) {
    tare_device *d[1];
    job j = {0};
    tare_packed *w = NULL;
    tare_tensor none;
    char words[300];
    devices(d, 1);
    j.d = d[0];
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

Test(opencl_pack, refuses_what_does_not_fit, .timeout = 120) {
    refused("matmul_w8_ocl", "i8-row", NAN);
    refused("matmul_w4_ocl", "i4-g64", -INFINITY);
    refused("matmul_w4_ocl", "i4-g32", 1e7f); /* the scale is no f16 */
    refused("matmul_w8_ocl", "i8-row-z", INFINITY);
    refused("matmul_f32_ocl", "f32", NAN);
    refused("matmul_f16_ocl", "f16", 65520.0f);
    refused("matmul_bf16_ocl", "bf16", 3.4e38f);
    refused("matmul_nm_ocl", "2:4/f16", NAN);
    refused("matmul_csr_ocl", "csr/f32", INFINITY);
    refused("matmul_bs_ocl", "bs4x4/bf16", NAN);
    refused("matmul_bitmap_ocl", "bitmap/f16", 1e6f);
}

Test(opencl_pack, another_number_of_values, .timeout = 60) {
    tare_device *d[1];
    job j = {0};
    tare_packed *w = NULL;
    devices(d, 1);
    j.d = d[0];
    cr_assert(open_job(&j, "matmul_csr_ocl", "csr/f32", 20, 70, PATTERN_SPARSE, 0));
    for (int i = 0; i < 20 * 70; i++) j.values[i] = 1;
    upload(&j);
    cr_expect_eq(tare_pack_values(&j.plan, j.s, j.w, &w), TARE_E_ARG);
    cr_expect_not_null(strstr(tare_last_error(), "1400 values"), "%s", tare_last_error());
    j.values[7] = NAN; /* which is what is wrong in the first place */
    upload(&j);
    cr_expect_eq(tare_pack_values(&j.plan, j.s, j.w, &w), TARE_E_VALUE);
    cr_expect_not_null(strstr(tare_last_error(), "weights[0,7] is NaN"), "%s", tare_last_error());
    cr_expect_null(w);
    close_job(&j);
}
