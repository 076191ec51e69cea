/* Arguments and a launch. */
#include "opencl/ocl.h"

tare_status ocl_launch(ocl_stream *s, cl_kernel k, const ocl_grid *g, const ocl_arg *args,
                       int count) {
    ocl_device *d = s->device;
    size_t global[3], local[3];
    cl_event e = NULL;
    TARE_TRY(ocl_alive(d));
    for (int i = 0; i < 3; i++) {
        local[i] = g->local[i] ? g->local[i] : 1;
        global[i] = ((g->global[i] ? g->global[i] : 1) + local[i] - 1) / local[i] * local[i];
    }
    for (int i = 0; i < count; i++)
        TARE_TRY(CL(d, clSetKernelArg(k, (cl_uint)i, args[i].bytes, &args[i].mem)));
    TARE_TRY(CL(d, clEnqueueNDRangeKernel(s->queue, k, 3, NULL, global, local, 0, NULL, &e)));
    return ocl_stream_event(s, e, OCL_KERNEL);
}
