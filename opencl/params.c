/* The parameters of the kernels: a table a class of devices, replaced by what tuning stored for a
 * device. PoCL runs a work-item as a loop of one core: it wants few work-items with wide vectors
 * and no local memory; a GPU wants many with short ones. */
#include "opencl/ocl.h"

#include <stdlib.h>
#include <string.h>

static const ocl_params of_class[] = {
    [OCL_CPU] = {.vn = 16, .mt = 8, .ks = 1, .lanes = 1, .tiled = 0},
    [OCL_GPU] = {.vn = 2, .mt = 8, .ks = 8, .lanes = 32, .tiled = 1},
};

/* TARE_OPENCL_CLASS=cpu|gpu overrules what the device says of itself: tests run the shapes of both
 * classes on whatever device there is. */
ocl_params ocl_params_of(ocl_device *d) {
    const char *class = getenv("TARE_OPENCL_CLASS");
    if (class && strcmp(class, "cpu") == 0) d->class = OCL_CPU;
    if (class && strcmp(class, "gpu") == 0) d->class = OCL_GPU;
    return of_class[d->class];
}
