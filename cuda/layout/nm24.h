/* How cu_nm24_crop is called (cuda/kernels/nm24.cu): .x rows of 16-bit values, i[LD] from one to
 * the next, .y rows of .n, .m of them; a thread for each element of y. */
#ifndef TARE_CUDA_NM24_LAYOUT_H
#define TARE_CUDA_NM24_LAYOUT_H

enum { CU_NM24_THREADS = 256 };

enum { CU_NM24_LD };

#endif
