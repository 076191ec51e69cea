/* The ordered table: best first. There is no reference here: what no row takes, another device
 * does. */
#include "opencl/rows.h"

const tare_kernel *const ocl_rows[] = {
    NULL,
};
