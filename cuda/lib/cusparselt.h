/* cuSPARSELt, products with 2:4 sparse weights on tensor cores: its functions, once the library is
 * open (a device with CU_CUSPARSELT), a handle a device, and its errors as ours. */
#ifndef TARE_CUDA_CUSPARSELT_H
#define TARE_CUDA_CUSPARSELT_H

#include "cuda/lib/cusparselt_api.h"
#include "cuda/lib/library.h"

extern cusparselt_calls cu_splt_calls;

/* TARE_OK for success; else "cuda: cuSPARSELt: CALL on DEVICE: STATUS". A CUDA error behind it is
 * named as well, and loses the device where it must. */
tare_status cu_splt_check(cu_device *d, const char *call, int status);
#define CU_SPLT(d, call) cu_splt_check((d), #call, (cu_splt_calls.call))

/* The device's handle, made the first time. It stays as long as the process. */
tare_status cu_splt_handle(cu_device *d, const cusparselt_handle **out);

#endif
