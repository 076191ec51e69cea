/* The parameters of the kernels: a table a class of devices, replaced by what tuning stored for a
 * device. PoCL runs a work-item as a loop of one core: it wants few work-items with wide vectors
 * and no local memory; a GPU wants many with short ones. */
#include "opencl/ocl.h"

static const ocl_params of_class[] = {
    [OCL_CPU] = {.vn = 16, .mt = 8, .ks = 1, .lanes = 1, .tiled = 0},
    [OCL_GPU] = {.vn = 2, .mt = 8, .ks = 8, .lanes = 32, .tiled = 1},
};

ocl_params ocl_params_of(ocl_device *d) {
    return of_class[d->class];
}
