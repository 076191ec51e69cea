/* Word panels: the packed layout of dense weights on OpenCL, the same for every class of device.
 *
 *   words    uint32 [panels][ceil(k / P)][16]: a panel is 16 neighbouring rows of W (columns of
 *            y), a word P neighbouring k of one of them, the first in the lowest bits. P is 32 over
 *            the bits of a value. Past n and k: what decodes to 0.
 *
 *   scales   float [panels][groups][16], where there are scales; groups = 1 by tensor and row
 *
 *   zeros    int8 [panels][groups][16], where there are zero points
 *
 * Sixteen words side by side are a cache line of a CPU; on a GPU neighbouring work-items take
 * neighbouring words. */
#ifndef TARE_OCL_PANEL_H
#define TARE_OCL_PANEL_H

#include "opencl/ocl.h"

typedef struct ocl_panel_shape {
    int64_t panels, words, groups;     /* words: of k */
    int64_t per_word, group_words;     /* P; words that share a scale, 0 where one scale has all */
    size_t scales_at, zeros_at, bytes; /* in the blob */
} ocl_panel_shape;

ocl_panel_shape ocl_panel_shape_of(const tare_problem *p);

/* The functions of a row of dense weights of type `value` and float x. */
int ocl_panel_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status ocl_panel_pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
tare_status ocl_panel_prepare(void *state, void *stream, const tare_problem *p);
tare_status ocl_panel_run(const tare_run_args *a);

#endif
