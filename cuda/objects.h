/* Which object of a library belongs to which packed blob of a device: found by the blob's address,
 * which is unique while the blob is there. Rows put an object in `settle`, look it up in `run` and
 * take it out in `release`. */
#ifndef TARE_CUDA_OBJECTS_H
#define TARE_CUDA_OBJECTS_H

#include "cuda/cu.h"

tare_status cu_object_put(cu_device *d, const void *blob, void *object);
void *cu_object_get(cu_device *d, const void *blob); /* null: there is none */
void *cu_object_take(cu_device *d, const void *blob);

#endif
