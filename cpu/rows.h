/* Every kernel row of the CPU backend, one line each; the rows stand at the foot of their files. */
#ifndef TARE_CPU_ROWS_H
#define TARE_CPU_ROWS_H

#include "cpu/cpu.h"

extern const tare_kernel matmul_any_ref;

/* int8 activations */
extern const tare_kernel matmul_w8a8_vnni;
extern const tare_kernel matmul_w4a8_vnni;
extern const tare_kernel matmul_nm24i8_vbmi2;
extern const tare_kernel matmul_bitmapi8_vbmi2;

#endif
