/* The model file: what is written is read back, what is damaged is refused, and the executor gives
 * what the network gives. */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "bench/rng.h"
#include "src/compress/quantize.h"
#include "src/data/file.h"
#include "src/internal.h"
#include "src/model/exec.h"
#include "src/model/layout.h"

static mlp random_net(void) {
    const int64_t width[] = {24, 16, 5};
    mlp net;
    cr_assert_eq(mlp_create(2, width, &net), TARE_OK);
    mlp_init(&net, 3);
    for (int64_t i = 0; i < mlp_weights(&net, 0); i += 3) net.w[0][i] = 0;
    for (int64_t i = 0; i < 16; i++) net.b[0][i] = 0.01f * (float)i;
    return net;
}

static const coding codings[] = {
    {.scheme = "f32", .format = "f32", .x = TARE_F32},
    {.scheme = "bf16", .format = "bf16", .x = TARE_BF16},
    {.scheme = "w8a8", .format = "i8-row", .x = TARE_F32, .x_i8 = 1},
    {.scheme = "w8a16", .format = "i8-row-z", .x = TARE_BF16},
    {.scheme = "w4a16", .format = "i4-g64", .x = TARE_BF16},
    {.scheme = "csr", .format = "csr/f32", .last = "f32", .x = TARE_F32},
    {.scheme = "bitmap", .format = "bitmap/f32", .last = "f32", .x = TARE_F32},
};
enum { CODINGS = sizeof codings / sizeof *codings };

static model coded(int i) {
    mlp net = random_net();
    model m;
    cr_assert_eq(compress_encode(&net, &codings[i], &m), TARE_OK, "%s: %s", codings[i].scheme,
                 tare_last_error());
    mlp_clear(&net);
    return m;
}

static void *file_of(int i, size_t *size) {
    model m = coded(i);
    void *file;
    cr_assert_eq(model_write(&m, &file, size), TARE_OK, "%s", tare_last_error());
    model_clear(&m);
    return file;
}

static void same(const model *a, const model *b) {
    cr_assert_str_eq(a->scheme, b->scheme);
    cr_assert_eq(a->layers, b->layers);
    for (int i = 0; i < a->layers; i++) {
        const model_layer *x = &a->layer[i], *y = &b->layer[i];
        cr_assert_eq(memcmp(&x->w.format, &y->w.format, sizeof x->w.format), 0);
        cr_assert(x->w.n == y->w.n && x->w.k == y->w.k && x->w.nnz == y->w.nnz);
        cr_assert(x->x == y->x && x->y == y->y && x->flags == y->flags);
        cr_assert_eq(memcmp(x->bias, y->bias, (size_t)x->w.n * sizeof(float)), 0);
        for (int p = 0; p < TARE_PARTS; p++) {
            cr_assert_eq(x->w.part[p].bytes, y->w.part[p].bytes);
            if (x->w.part[p].bytes)
                cr_assert_eq(memcmp(x->w.part[p].data, y->w.part[p].data, x->w.part[p].bytes), 0);
        }
    }
}

Test(model, is_read_back_as_it_was_written) {
    char dir[] = "/tmp/tare-model-XXXXXX", path[64];
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.tare", dir);
    for (int i = 0; i < CODINGS; i++) {
        model a = coded(i), b;
        cr_assert_eq(model_save(&a, path), TARE_OK, "%s", tare_last_error());
        FILE *f = fopen(path, "rb");
        cr_assert(f);
        fseek(f, 0, SEEK_END);
        cr_assert_eq((size_t)ftell(f), model_sizes(&a).total);
        fclose(f);
        cr_assert_eq(model_load(path, &b), TARE_OK, "%s", tare_last_error());
        same(&a, &b);
        model_clear(&a);
        model_clear(&b);
    }
    unlink(path);
    cr_assert_eq(rmdir(dir), 0); /* and nothing else lay there */
}

Test(model, an_unwritable_place_is_an_error_and_leaves_nothing) {
    model m = coded(0);
    cr_assert_eq(model_save(&m, "/nonexistent/m.tare"), TARE_E_IO);
    cr_assert(strstr(tare_last_error(), "/nonexistent/m.tare"));
    model_clear(&m);
}

/* A file that may not grow stands for a disk that is full; and a file of another run stays. */
Test(model, a_full_disk_is_an_error_and_the_old_file_stays) {
    char dir[] = "/tmp/tare-model-XXXXXX", path[64], other[96], old[4] = "";
    struct rlimit limit, none;
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.tare", dir);
    cr_assert_eq(file_save(path, "old", 3), TARE_OK);
    snprintf(other, sizeof other, "%s.part-%ld-0", path, (long)getpid());
    cr_assert_eq(symlink("/nonexistent/elsewhere", other), 0);
    model m = coded(0);
    cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    tare_status s = model_save(&m, path);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(s, TARE_E_IO);
    cr_assert(strstr(tare_last_error(), "m.tare: can't be written"), "%s", tare_last_error());
    cr_assert_eq(unlink(other), 0, "a link of someone else's was touched");
    FILE *f = fopen(path, "rb");
    cr_assert_eq(fread(old, 1, 3, f), 3);
    fclose(f);
    cr_assert_str_eq(old, "old");
    model_clear(&m);
    unlink(path);
    cr_assert_eq(rmdir(dir), 0); /* no part is left */
}

/* Where writing itself says that there is no room. */
Test(model, a_full_device_is_an_error) {
    model m = coded(0);
    cr_assert_eq(model_save(&m, "/dev/full"), TARE_E_IO);
    cr_assert(strstr(tare_last_error(), "No space left"), "%s", tare_last_error());
    model_clear(&m);
}

Test(model, every_truncation_is_refused) {
    for (int i = 0; i < CODINGS; i++) {
        size_t size;
        uint8_t *file = file_of(i, &size);
        model m;
        for (size_t n = 0; n < size; n++) {
            uint8_t *cut = malloc(n + 1); /* of its own size, for the sanitizer's sake */
            memcpy(cut, file, n);
            cr_assert_eq(model_parse("cut", cut, n, &m), TARE_E_FORMAT, "%zu of %zu bytes", n,
                         size);
            cr_assert_eq(m.layers, 0);
            free(cut);
        }
        tare_free(file);
    }
}

Test(model, every_flipped_byte_is_refused) {
    for (int i = 0; i < CODINGS; i++) {
        size_t size;
        uint8_t *file = file_of(i, &size);
        model m;
        for (size_t n = 0; n < size; n++) {
            file[n] ^= 0x41;
            cr_assert_eq(model_parse("bad", file, size, &m), TARE_E_FORMAT, "byte %zu", n);
            file[n] ^= 0x41;
        }
        cr_assert_eq(model_parse("good", file, size, &m), TARE_OK, "%s", tare_last_error());
        model_clear(&m);
        tare_free(file);
    }
}

/* With the checksum made good again, lies in the headers meet the checks behind it. */
Test(model, lies_with_a_right_checksum_do_no_harm) {
    int refused = 0, read = 0;
    for (int i = 0; i < CODINGS; i++) {
        size_t size;
        uint8_t *file = file_of(i, &size);
        for (size_t n = 0; n < MODEL_HEADER + 2 * MODEL_LAYER; n++)
            for (int bit = 0; bit < 8; bit++) {
                model m;
                file[n] ^= (uint8_t)(1 << bit);
                uint8_t *at = file + size - MODEL_TRAILER;
                put_u32(&at, (uint32_t)crc32_z(0, file, size - MODEL_TRAILER));
                if (model_parse("lie", file, size, &m) == TARE_OK)
                    read++; /* a letter of the scheme, a flag that may be either way */
                else
                    refused++;
                model_clear(&m);
                file[n] ^= (uint8_t)(1 << bit);
            }
        tare_free(file);
    }
    cr_assert_gt(refused, 8 * read / 4);
}

Test(model, survives_every_failing_allocation) {
    for (int i = 0; i < CODINGS; i++) {
        size_t size;
        uint8_t *file = file_of(i, &size);
        long n = 1;
        for (;; n++) {
            model m;
            tare_alloc_fail_at(n);
            tare_status s = model_parse("good", file, size, &m);
            tare_alloc_fail_at(0);
            model_clear(&m);
            if (s == TARE_OK) break;
            cr_assert_eq(s, TARE_E_NOMEM);
        }
        cr_assert_geq(n, 5);
        tare_free(file);
    }
}

/* The chain of layers against the decoded weights in double. The activations between the layers
 * are rounded to bf16 or int8 on the way: 2^-8 and 1/254 of the largest, some times over. */
static void check_exec(int i, tare_device *d) {
    enum { ROWS = 7 };
    model m = coded(i);
    exec e;
    cr_assert_eq(exec_create(d, &m, ROWS, NULL, &e), TARE_OK, "%s", tare_last_error());
    bench_rng r;
    bench_rng_seed(&r, 5, 0);
    for (int j = 0; j < ROWS * 24; j++) e.input[j] = (float)bench_rng_uniform(&r);
    cr_assert_eq(exec_run(&e, ROWS), TARE_OK, "%s", tare_last_error());
    for (int row = 0; row < ROWS; row++) {
        double h[24], next[24];
        for (int j = 0; j < 24; j++) h[j] = (double)e.input[row * 24 + j];
        for (int l = 0; l < m.layers; l++) {
            for (int64_t o = 0; o < m.layer[l].w.n; o++) {
                double w[24], sum = (double)m.layer[l].bias[o];
                cr_assert_eq(tare_decode_row_f64(&m.layer[l].w, o, w), TARE_OK);
                for (int64_t j = 0; j < m.layer[l].w.k; j++) sum += h[j] * w[j];
                next[o] = l + 1 < m.layers && sum < 0 ? 0 : sum;
            }
            memcpy(h, next, sizeof h);
        }
        double loose = m.layer[0].x == TARE_F32 && !(m.layer[0].flags & TARE_X_I8) ? 1e-4 : 0.06;
        for (int o = 0; o < 5; o++)
            cr_assert(fabs(h[o] - (double)e.output[row * 5 + o]) < loose, "%s: %g, want %g",
                      m.scheme, (double)e.output[row * 5 + o], h[o]);
    }
    exec_clear(&e);
    model_clear(&m);
}

Test(exec, runs_what_the_file_says) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    for (int i = 0; i < CODINGS; i++) check_exec(i, d);
}

Test(exec, fewer_rows_than_the_batch_and_none_too_many) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    model m = coded(0);
    exec e;
    cr_assert_eq(exec_create(d, &m, 4, NULL, &e), TARE_OK, "%s", tare_last_error());
    for (int j = 0; j < 4 * 24; j++) e.input[j] = 0.5f;
    cr_assert_eq(exec_run(&e, 4), TARE_OK);
    float whole = e.output[2 * 5 + 1];
    memset(e.output, 0, 4 * 5 * sizeof(float));
    cr_assert_eq(exec_run(&e, 3), TARE_OK);
    cr_assert_float_eq(e.output[2 * 5 + 1], whole, 1e-6);
    cr_assert_eq(e.output[3 * 5], 0);
    cr_assert_eq(exec_run(&e, 5), TARE_E_ARG);
    cr_assert_eq(exec_run(&e, 0), TARE_E_ARG);
    exec_clear(&e);
    model_clear(&m);
}
