/* Packing and unpacking on the device: W as floats in device memory becomes a row's blob there, to
 * the bit as tare_encode and the row's `pack` would make it (opencl/kernels/pack.cl), done on
 * return; and back (unpack.cl). Quotients round as the host's do, by integers
 * (opencl/kernels/exact.clh): any device will do. */
#ifndef TARE_OCL_PACK_H
#define TARE_OCL_PACK_H

#include "opencl/ocl.h"

/* `pack_values` of the rows over word panels, of CSR, bitmap and N:M, and of blocks. */
tare_status ocl_panel_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                                  void *blob);
tare_status ocl_sparse_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                                   void *blob);
tare_status ocl_bs_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                               void *blob);

/* `unpack_values` of the same rows, queued. */
tare_status ocl_panel_unpack_values(const tare_problem *p, void *state, void *stream,
                                    const void *blob, void *out);
tare_status ocl_sparse_unpack_values(const tare_problem *p, void *state, void *stream,
                                     const void *blob, void *out);
tare_status ocl_bs_unpack_values(const tare_problem *p, void *state, void *stream, const void *blob,
                                 void *out);

#endif
