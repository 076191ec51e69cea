/* The four files of Fashion-MNIST, checked against each other. */
#include "src/data/fashion.h"

#include <stdio.h>
#include <string.h>

#include "src/data/idx.h"
#include "src/internal.h"

enum { CLASSES = 10 };

static tare_status load(const char *dir, const char *file, int dims, idx_array *out) {
    char path[1024];
    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        TARE_FAIL(TARE_E_ARG, "data directory: the path is too long");
    tare_status s = idx_load(path, out);
    if (s == TARE_E_IO) {
        char why[1200];
        snprintf(why, sizeof why, "%s", tare_last_error());
        TARE_FAIL(s,
                  "%s (Fashion-MNIST comes with the Debian package dataset-fashion-mnist: apt "
                  "install dataset-fashion-mnist, or point --data at its files)",
                  why);
    }
    if (s != TARE_OK) return s;
    if (out->dims != dims)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 3: %d dimensions where %d are expected", path,
                  out->dims, dims);
    return TARE_OK;
}

static tare_status join(const char *which, idx_array *image, idx_array *label, dataset *d) {
    if (image->dim[0] != label->dim[0])
        TARE_FAIL(TARE_E_FORMAT, "%s: %zu images but %zu labels", which, image->dim[0],
                  label->dim[0]);
    for (size_t i = 0; i < label->dim[0]; i++)
        if (label->data[i] >= CLASSES)
            TARE_FAIL(TARE_E_FORMAT, "%s-labels: offset %zu: label %d, the classes are 0..%d",
                      which, i + 8, label->data[i], CLASSES - 1);
    d->count = (int64_t)image->dim[0];
    d->width = (int64_t)(image->dim[1] * image->dim[2]);
    d->classes = CLASSES;
    d->image = image->data;
    d->label = label->data;
    image->data = label->data = NULL; /* handed over */
    return TARE_OK;
}

static tare_status half(const char *dir, const char *which, dataset *d) {
    idx_array image = {0}, label = {0};
    char file[64];
    snprintf(file, sizeof file, "%s-images-idx3-ubyte.gz", which);
    tare_status s = load(dir, file, 3, &image);
    if (s == TARE_OK) {
        snprintf(file, sizeof file, "%s-labels-idx1-ubyte.gz", which);
        s = load(dir, file, 1, &label);
    }
    if (s == TARE_OK) s = join(which, &image, &label, d);
    idx_clear(&image);
    idx_clear(&label);
    return s;
}

tare_status fashion_load(const char *dir, fashion *out) {
    if (!dir || !out) TARE_FAIL(TARE_E_ARG, "fashion: null argument");
    memset(out, 0, sizeof *out);
    tare_status s = half(dir, "train", &out->train);
    if (s == TARE_OK) s = half(dir, "t10k", &out->test);
    if (s == TARE_OK && out->train.width != out->test.width)
        s = tare_fail(TARE_E_FORMAT, "%s: training images have %lld values, test images have %lld",
                      dir, (long long)out->train.width, (long long)out->test.width);
    if (s != TARE_OK) fashion_clear(out);
    return s;
}

void fashion_clear(fashion *f) {
    if (!f) return;
    tare_free(f->train.image);
    tare_free(f->train.label);
    tare_free(f->test.image);
    tare_free(f->test.label);
    memset(f, 0, sizeof *f);
}

typedef struct picking {
    const dataset *d;
    const uint32_t *index;
    int64_t first;
    float *out;
} picking;

static void pick(void *ctx, int64_t begin, int64_t end, int part) {
    const picking *p = ctx;
    int64_t width = p->d->width;
    (void)part;
    for (int64_t i = begin; i < end; i++) {
        int64_t which = p->index ? (int64_t)p->index[i] : p->first + i;
        const uint8_t *from = p->d->image + which * width;
        float *to = p->out + i * width;
        for (int64_t j = 0; j < width; j++) to[j] = (float)from[j] * (1.0f / 255.0f);
    }
}

void dataset_inputs(const dataset *d, const uint32_t *index, int64_t first, int64_t count,
                    float *out) {
    picking p = {d, index, first, out};
    parallel_ranges(count, count * d->width < 65536 ? 1 : tare_threads(), pick, &p);
}
