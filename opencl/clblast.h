/* What the rows over CLBlast share. */
#ifndef TARE_OCL_CLBLAST_H
#define TARE_OCL_CLBLAST_H

#include "opencl/ocl.h"

/* "CLBlast 1.5.3", by the name of the library that was loaded: its interface does not say. */
void ocl_clblast_version(char *out, size_t size);

/* fit of a row whose weights, x and y are all of `type`: shapes, bytes, scratch, cost. */
int ocl_clblast_fit(const tare_rates *r, const tare_problem *p, tare_type type, tare_fit *f);
/* The blob is W as it stands. */
tare_status ocl_clblast_pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
/* Has CLBlast build its programs, by a product of one by one, and our own that follows it. */
tare_status ocl_clblast_prepare(void *state, void *stream, const tare_problem *p);
tare_status ocl_clblast_run(const tare_run_args *a);

#endif
