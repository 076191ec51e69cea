/* The rows of the OpenCL backend, one file each. */
#ifndef TARE_OCL_ROWS_H
#define TARE_OCL_ROWS_H

#include "opencl/ocl.h"

#endif
