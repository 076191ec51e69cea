/* Scales and zero points, shared by the int8 and int4 codings. */
#ifndef TARE_FORMAT_QUANT_H
#define TARE_FORMAT_QUANT_H

#include "src/format/format.h"

typedef struct quant_range {
    int low, high; /* of the stored integer with zero points */
    int limit;     /* |q| <= limit without */
} quant_range;

/* Fills t's scales and zeros from dense w. Symmetric: max|w| / limit. With zero points: the range
 * of the values, widened to hold 0, over high - low steps. A range of zeros gets scale 1. f16
 * scales of groups are rounded up, so that no value leaves the range, and are at least 2^-24. */
tare_status quant_scales(tare_tensor *t, const float *w, quant_range r);
/* rint(v / scale) + zero, clamped. */
int quant_value(float v, float scale, int zero, int low, int high);
/* Scales positive and such that every code is finite in f32, zeros within low..high. */
tare_status quant_validate(const tare_tensor *t, quant_range r);

#endif
