/* Adam (Kingma and Ba 2015, algorithm 1), with masks: a weight whose mask is 0 stays exactly 0. */
#ifndef TARE_TRAIN_ADAM_H
#define TARE_TRAIN_ADAM_H

#include "src/train/mlp.h"

/* 1 where a weight may live, per layer; a null layer has no mask. */
typedef struct mlp_mask {
    int layers;
    uint8_t *keep[MLP_MAX_LAYERS];
} mlp_mask;

tare_status mlp_mask_create(const mlp *net, mlp_mask *out); /* all 1 */
void mlp_mask_apply(mlp *net, const mlp_mask *mask);
void mlp_mask_clear(mlp_mask *mask);

typedef struct adam {
    mlp mean, square; /* running moments of the gradient */
    int64_t steps;
} adam;

tare_status adam_create(const mlp *net, adam *out);
/* One step at the given rate; mask may be null. */
void adam_step(adam *a, mlp *net, const mlp *grad, const mlp_mask *mask, float rate);
void adam_clear(adam *a);

#endif
