/* Pruning: which weights, or which neurons, go. Masks say which weights may live (for fine-tuning
 * and for encoding afterwards); structured pruning gives a smaller network at once.
 *
 * The last layer is left alone: it is the smallest by far and each of its rows is a class. */
#ifndef TARE_COMPRESS_PRUNE_H
#define TARE_COMPRESS_PRUNE_H

#include "src/train/adam.h"

/* Unstructured: of each hidden layer exactly round(sparsity * count) weights of least magnitude go
 * (ties: the higher index goes first). 0 <= sparsity < 1. */
tare_status prune_magnitude(const mlp *net, double sparsity, mlp_mask *out);

/* N:M: of each M neighbours of a row the N of largest magnitude stay (ties: the lower column, as
 * tare_encode has it). */
tare_status prune_nm(const mlp *net, int keep, int of, mlp_mask *out);

/* Structured: round(share * width) neurons of each hidden layer go, those of least
 * |incoming weights| * |outgoing weights| (2-norms). `out` is a narrower network. */
tare_status prune_neurons(const mlp *net, double share, mlp *out);
/* The sub-network of the listed neurons: keep[l][0..width[l]) ascending, for l = 1..layers-1. */
tare_status prune_select(const mlp *net, const int64_t *const keep[], const int64_t *width,
                         mlp *out);

#endif
