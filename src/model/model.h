/* A compressed network: layers of an encoded matrix and a bias, and its file.
 *
 *     h_0 = x;  h_(i+1) = relu?( h_i . W_i^T + b_i )
 *
 * Each layer says in which types its inputs and outputs travel and whether its inputs are quantised
 * to int8, so that a file runs as it was measured. */
#ifndef TARE_MODEL_MODEL_H
#define TARE_MODEL_MODEL_H

#include <tare/tare.h>

enum { MODEL_MAX_LAYERS = 8, MODEL_SCHEME = 32 };

typedef struct model_layer {
    tare_tensor w;
    float *bias;    /* n floats */
    tare_type x, y; /* f32, f16 or bf16; y is the next layer's x, the last one's is f32 */
    uint32_t flags; /* TARE_X_I8, TARE_RELU; TARE_BIAS always */
} model_layer;

typedef struct model {
    char scheme[MODEL_SCHEME]; /* "w8a8", for people */
    int layers;
    model_layer layer[MODEL_MAX_LAYERS];
} model;

void model_clear(model *m);

/* What a file is made of, in bytes; the sum is the file's size exactly. */
typedef struct model_size {
    size_t part[TARE_PARTS]; /* values, scales, zeros, indices, offsets */
    size_t bias;
    size_t container; /* headers and checksum */
    size_t total;
} model_size;
model_size model_sizes(const model *m);

/* The file as one block of memory; free with tare_free. */
tare_status model_write(const model *m, void **out, size_t *size);
/* Writes aside and renames: `path` is then the whole model, or what it was before. */
tare_status model_save(const model *m, const char *path);

/* Reads a model that nobody vouches for: sizes, ranges and checksum are checked, every tensor goes
 * through tare_validate, and layers must fit each other. `name` is for error texts. */
tare_status model_parse(const char *name, const void *file, size_t size, model *out);
tare_status model_load(const char *path, model *out);

#endif
