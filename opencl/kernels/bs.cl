/* y = x W^T over stored r x c blocks of W. The blob (opencl/matmul_bs_ocl.c) has each block column by
 * column, padded to a multiple of RV rows, so that a work-item's RV rows of a block are one vector:
 * one value of x meets RV weights.
 *
 *   -DRV=1|2|4|8|16 rows of W a work-item
 *   -DMT= rows of x, -DLANES= work-items along a block row    bs_few
 *   -DVM= rows of x a vector, -DNV= vectors                   bs_many, with -DRV=1|2|4 */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#if RV == 1
#define VROW float
#define LOAD_ROW(i, p) ((p)[i])
#define STORE_ROW(v, p) ((p)[0] = (v))
#else
#define VROW CAT(float, RV)
#define LOAD_ROW(i, p) CAT(vload, RV)(i, p)
#define STORE_ROW(v, p) CAT(vstore, RV)(v, 0, p)
#endif

/* Blocks of a block row: columns in `index`, values at block * c * r_pad. `sub` counts RV rows. */
#define PLACE                                                                                      \
    const global uint *offsets = blob, *index = blob + index_at;                                   \
    const global float *values = (const global float *)(blob + values_at);                         \
    const int subs = r_pad / RV

#ifdef LANES
kernel void bs_few(const global uint *blob, const global float *xs, ulong x_first,
                   const global float *bias, global void *y, int y_type, int flags, int index_at,
                   int values_at, int block_r, int block_c, int r_pad, int m, int n, int k) {
    PLACE;
    const int lane = get_local_id(0), in = get_local_id(1), r0 = get_group_id(2) * MT;
    const int rows = (n + block_r - 1) / block_r * subs;
    const int at = min((int)get_global_id(1), rows - 1), block_row = at / subs, sub = at % subs;
    const uint first = offsets[block_row], end = offsets[block_row + 1];
    const global float *x[MT];
    VROW sum[MT];
    for (int r = 0; r < MT; r++) {
        x[r] = xs + x_first + (size_t)min(r0 + r, m - 1) * k;
        sum[r] = 0;
    }
    if (LANES == 1) {
        for (uint b = first; b < end; b++) {
            int c0 = index[b] * block_c, count = min(block_c, k - c0);
            const global float *w = values + (size_t)b * block_c * r_pad + sub * RV;
            for (int c = 0; c < count; c++, w += r_pad) {
                VROW v = LOAD_ROW(0, w);
                for (int r = 0; r < MT; r++) sum[r] += x[r][c0 + c] * v;
            }
        }
    } else {
        const uint all = (end - first) * block_c;
        for (uint i = lane; i < all; i += LANES) {
            uint b = first + i / block_c;
            int c = index[b] * block_c + i % block_c;
            if (c >= k) continue;
            VROW v = LOAD_ROW(0, values + ((size_t)first * block_c + i) * r_pad + sub * RV);
            for (int r = 0; r < MT; r++) sum[r] += x[r][c] * v;
        }
    }
#if LANES > 1
    local float part[MT * ROWS * LANES * RV];
    for (int r = 0; r < MT; r++) STORE_ROW(sum[r], part + ((r * ROWS + in) * LANES + lane) * RV);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane > 0) return;
    for (int r = 0; r < MT; r++)
        for (int l = 1; l < LANES; l++)
            sum[r] += LOAD_ROW(0, part + ((r * ROWS + in) * LANES + l) * RV);
#endif
    if (get_global_id(1) >= rows) return;
    for (int r = 0; r < MT && r0 + r < m; r++) {
        float out[RV];
        STORE_ROW(sum[r], out);
        for (int j = 0; j < RV; j++) {
            int row = block_row * block_r + sub * RV + j;
            if (sub * RV + j < block_r && row < n)
                finish(y, y_type, (size_t)(r0 + r) * n + row, out[j], bias, row, flags);
        }
    }
}
#else
#define VFLOAT CAT(float, VM)
kernel void bs_many(const global uint *blob, const global float *xt, ulong x_first,
                    const global float *bias, global void *y, int y_type, int flags, int index_at,
                    int values_at, int block_r, int block_c, int r_pad, int m, int n, int k,
                    int m_pad) {
    PLACE;
    const int m0 = get_global_id(0) * (NV * VM), at = get_global_id(1);
    const int rows = (n + block_r - 1) / block_r * subs;
    if (m0 >= m || at >= rows) return;
    const int block_row = at / subs, sub = at % subs;
    const global float *x = xt + x_first + m0;
    VFLOAT sum[RV * NV];
    for (int q = 0; q < RV * NV; q++) sum[q] = 0;
    for (uint b = offsets[block_row], end = offsets[block_row + 1]; b < end; b++) {
        int c0 = index[b] * block_c, count = min(block_c, k - c0);
        const global float *w = values + (size_t)b * block_c * r_pad + sub * RV;
        for (int c = 0; c < count; c++, w += r_pad) {
            const global float *xc = x + (size_t)(c0 + c) * m_pad;
            VFLOAT xv[NV];
#pragma unroll
            for (int q = 0; q < NV; q++) xv[q] = CAT(vload, VM)(q, xc);
#pragma unroll
            for (int j = 0; j < RV; j++)
#pragma unroll
                for (int q = 0; q < NV; q++) sum[j * NV + q] += w[j] * xv[q];
        }
    }
    for (int j = 0; j < RV; j++) {
        int row = block_row * block_r + sub * RV + j;
        if (sub * RV + j >= block_r || row >= n) break;
        for (int q = 0; q < NV; q++) {
            float out[VM];
            CAT(vstore, VM)(sum[j * NV + q], 0, out);
            for (int i = 0; i < VM; i++) {
                int r = m0 + q * VM + i;
                if (r < m) finish(y, y_type, (size_t)r * n + row, out[i], bias, row, flags);
            }
        }
    }
}
#endif
