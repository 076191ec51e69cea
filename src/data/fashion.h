/* Fashion-MNIST as Debian's package dataset-fashion-mnist installs it: 60,000 + 10,000 grey images
 * of 28 x 28, ten classes. */
#ifndef TARE_DATA_FASHION_H
#define TARE_DATA_FASHION_H

#include <tare/tare.h>

#define FASHION_DIR "/usr/share/datasets/fashion-mnist"

typedef struct dataset {
    int64_t count, width; /* images, and values an image */
    int classes;
    uint8_t *image; /* count * width, 0..255 */
    uint8_t *label; /* count, below classes */
} dataset;

typedef struct fashion {
    dataset train, test;
} fashion;

/* Reads the four files of `dir` and checks that they belong together. A missing file's error names
 * the package and the flag that points elsewhere. */
tare_status fashion_load(const char *dir, fashion *out);
void fashion_clear(fashion *f);

/* The inputs of a network: out[count * width] = pixel / 255 of the images listed in `index` (null:
 * images first, first + 1, ...). */
void dataset_inputs(const dataset *d, const uint32_t *index, int64_t first, int64_t count,
                    float *out);

#endif
