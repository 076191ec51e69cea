/* x as the kernels want it. `to` counts floats from the start of scratch. */

/* [m][k] of any type to the same as floats. */
kernel void x_rows(const global void *x, int type, global float *scratch, ulong to, ulong count) {
    size_t i = get_global_id(0);
    if (i < count) scratch[to + i] = load_as_float(x, type, i);
}

/* [m][k] to [k][m_pad] as floats, m_pad a multiple of 16; rows past m are zero. A work-item turns 16
 * rows of a column: neighbours read neighbouring columns. */
kernel void x_turned(const global void *x, int type, global float *scratch, ulong to, int m,
                     int m_pad, int k) {
    int j = get_global_id(0), r0 = get_global_id(1) * 16;
    if (j >= k) return;
    global float *out = scratch + to + (size_t)j * m_pad + r0;
    for (int r = 0; r < 16; r++)
        out[r] = r0 + r < m ? load_as_float(x, type, (size_t)(r0 + r) * k + j) : 0;
}

/* [m][k] to [ceil(m / 16)][k][16]: 16 rows side by side, one block after the other, so that a
 * product of 16 rows walks one stretch of memory; rows past m are zero. */
kernel void x_blocks(const global void *x, int type, global float *scratch, ulong to, int m, int k) {
    int j = get_global_id(0), r0 = get_global_id(1) * 16;
    if (j >= k) return;
    global float *out = scratch + to + ((size_t)r0 * k + (size_t)j * 16);
    for (int r = 0; r < 16; r++)
        out[r] = r0 + r < m ? load_as_float(x, type, (size_t)(r0 + r) * k + j) : 0;
}
