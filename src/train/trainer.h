/* The training loop: shuffled batches, Adam, a rate that falls to zero along half a cosine. */
#ifndef TARE_TRAIN_TRAINER_H
#define TARE_TRAIN_TRAINER_H

#include "src/data/fashion.h"
#include "src/train/adam.h"

typedef struct train_options {
    int epochs;
    int64_t batch;
    float rate; /* at the start */
    uint64_t seed;
    const mlp_mask *mask; /* weights that stay zero; null: none */
    /* Called after every step with the share done in 0..1; null: not. Returns 0 to go on. */
    int (*progress)(void *ctx, double done, double loss);
    void *ctx;
} train_options;

/* Trains `net` in place. `loss` (may be null) gets the mean loss of each epoch. */
tare_status train_run(mlp *net, gemm *g, const dataset *data, const train_options *o, double *loss);

/* Classes by the f32 network, predicted[count]: argmax, ties to the lower class. */
tare_status train_predict(const mlp *net, gemm *g, const dataset *data, uint8_t *predicted);
/* Share of images whose class was found. */
double train_accuracy(const dataset *data, const uint8_t *predicted);

#endif
