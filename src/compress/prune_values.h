/* Pruning of one matrix of floats, in place: what tare_prune_values does on the CPU, and what
 * devices are held against, to the bit.
 *
 *   magnitude   exactly round(share * n * k) values go, those of least magnitude; of equals those
 *               of higher index go first
 *   N:M         of each M neighbours of a row the N of largest magnitude stay, of equals the lower
 *               column (fewer neighbours at a row's end)
 *   block       round(share * blocks) blocks go, those of least l2 norm; of equals those of higher
 *               index (block row by block row) go first. Blocks at the edge are smaller.
 *
 * The norm of a block is a float: the square root of a sum in double, rounded. Its order is fixed,
 * so that every device can keep to it: value e of the block, row by row, goes to sum e mod 32, in
 * order of e; then sums i and i xor 16 are added, then 8, 4, 2, 1.
 *
 * What goes becomes +0; so does all of a block that holds nothing but zeros, kept or not. *nnz is
 * what tare_encode would store of the rest: values that are not zero, or block_r * block_c a block
 * that has one. */
#ifndef TARE_COMPRESS_PRUNE_VALUES_H
#define TARE_COMPRESS_PRUNE_VALUES_H

#include <tare/tare.h>

/* n, k and `how` are right (tare_prune_values checks them). TARE_E_VALUE where a value is not
 * finite, TARE_E_NOMEM; w is left alone then. */
tare_status prune_values(float *w, int64_t n, int64_t k, const tare_prune *how, int64_t *nnz);

#endif
