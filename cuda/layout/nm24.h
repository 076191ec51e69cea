/* How the small kernels around a library's 2:4 product are called (cuda/kernels/nm24.cu). */
#ifndef TARE_CUDA_NM24_LAYOUT_H
#define TARE_CUDA_NM24_LAYOUT_H

enum { CU_NM24_THREADS = 256 };

/* cu_nm24_crop: the first .n elements of .m rows of 16-bit values from .x, rows of i[LD], to .y. */
enum { CU_NM24_LD };

/* cu_nm24_fill: .at[0] words at .y of random bits, those of i[MASK] over those of i[BASE]. */
enum { CU_NM24_MASK, CU_NM24_BASE };

#endif
