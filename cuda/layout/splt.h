/* How cu_splt_crop is called (cuda/kernels/splt.cu): .x rows of 16-bit values, i[LD] from one to
 * the next, .y rows of .n, .m of them; a thread for each element of y. */
#ifndef TARE_CUDA_SPLT_LAYOUT_H
#define TARE_CUDA_SPLT_LAYOUT_H

enum { CU_SPLT_THREADS = 256 };

enum { CU_SPLT_LD };

#endif
