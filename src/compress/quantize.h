/* A trained network into a model: every matrix encoded in a format. This is where precision is
 * lost; what is kept where was decided before, by pruning. */
#ifndef TARE_COMPRESS_QUANTIZE_H
#define TARE_COMPRESS_QUANTIZE_H

#include "src/model/model.h"
#include "src/train/mlp.h"

typedef struct coding {
    const char *scheme; /* the model's name */
    const char *format; /* of the hidden layers, by name */
    const char *last;   /* of the last layer; null: the same */
    tare_type x;        /* in which activations travel; logits are f32 always */
    int x_i8;           /* they are quantised to int8 row by row */
} coding;

tare_status compress_encode(const mlp *net, const coding *c, model *out);

#endif
