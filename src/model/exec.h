/* A model made ready on a device for one batch size: plans, packed weights, buffers. */
#ifndef TARE_MODEL_EXEC_H
#define TARE_MODEL_EXEC_H

#include "src/model/model.h"

typedef struct exec_options {
    double tune_seconds; /* a layer: measure the rows and take the fastest; 0: by the cost model */
    int own_only;        /* leave vendor rows out */
} exec_options;

typedef struct exec {
    tare_device *device;
    tare_stream *stream;
    int layers;
    int64_t batch, inputs, outputs;
    tare_plan plan[MODEL_MAX_LAYERS];
    tare_packed *packed[MODEL_MAX_LAYERS];
    tare_buffer *bias[MODEL_MAX_LAYERS];
    tare_buffer *act[MODEL_MAX_LAYERS + 1];
    tare_type first; /* the type of act[0] */
    float *input;    /* host, batch * inputs: the caller fills it */
    float *output;   /* host, batch * outputs: exec_run fills it */
    void *turned;    /* host: the input in the first layer's type, where that is not f32 */
    size_t packed_bytes;
} exec;

/* The model is not needed afterwards. o may be null. */
tare_status exec_create(tare_device *d, const model *m, int64_t batch, const exec_options *o,
                        exec *out);
/* input[0..m) -> output[0..m), m <= batch: converting the input, moving it where the device has its
 * own memory, every layer, moving back. Allocates nothing. */
tare_status exec_run(exec *e, int64_t m);
/* Whether some layers are a vendor library's and some are not, in host memory: both have threads of
 * their own there, which wait for each other's at every change. */
int exec_mixes(const exec *e);
void exec_clear(exec *e);

#endif
