/* What a blob owns beside its bytes: objects of a library, such as descriptors, which a row makes
 * once the blob lies on the device (settle), finds again in every run, and destroys (release). They
 * are found by the blob's address.
 *
 * An object may hold memory that serves one stream at a time. A blob may be used from several
 * streams, so the first of them claims that memory, and keeps it until it is destroyed; the others
 * must do without. */
#ifndef TARE_CUDA_OBJECTS_H
#define TARE_CUDA_OBJECTS_H

#include "cuda/cu.h"

/* TARE_E_NOMEM; the object stays the caller's then. A blob has one object at most. */
tare_status cu_object_put(cu_device *d, const void *blob, void *object);
/* Null: there is none. */
void *cu_object_get(cu_device *d, const void *blob);
/* The same, and forgets it. */
void *cu_object_take(cu_device *d, const void *blob);

/* 1: the stream may use what serves one stream at a time. */
int cu_object_claim(cu_device *d, const void *blob, const cu_stream *s);
/* The stream is done with all that it claimed. */
void cu_object_unclaim(const cu_stream *s);

#endif
