/* Every row of the CUDA backend; each stands at the foot of the file of its name. */
#ifndef TARE_CUDA_ROWS_H
#define TARE_CUDA_ROWS_H

#include "cuda/cu.h"

#endif
