/* y = x W^T over word panels, many rows of x: a work-group of 16 x 16 makes a tile of 64 rows and 64
 * columns (four panels), a work-item 4 x 4 of it. KT columns of k at a time go to local memory, W
 * decoded once for the 64 rows. Options as in panel.cl, but VN, MT and KS.
 *
 * Neighbouring work-items read neighbouring words of W and neighbouring k of x. */
#define KT 16
#define TILE 64

#if defined(DECODE_F32)
#define P 1
#define DECODE(w, i) as_float(w)
#elif defined(DECODE_BF16)
#define P 2
#define DECODE(w, i) as_float((i) ? (w) & 0xffff0000u : (w) << 16)
#elif defined(DECODE_F16)
#define P 2
inline float decode_half(uint h) {
    float v = half_magnitude(h);
    return as_float(as_uint(v) | ((h & 0x8000u) << 16));
}
#define DECODE(w, i) decode_half((i) ? (w) >> 16 : (w) & 0xffffu)
#elif defined(DECODE_I8)
#define P 4
#define DECODE(w, i) convert_float(as_int((w) << (24 - 8 * (i))) >> 24)
#else
#define P 8
#define DECODE(w, i) convert_float(((w) >> (4 * (i))) & 15u)
#ifndef ZEROS
#define FIXED_ZERO 8.0f
#endif
#endif

kernel __attribute__((reqd_work_group_size(16, 16, 1))) void
panel_tile(const global uint *w, const global float *xs, ulong x_first, const global float *bias,
           global void *y, int y_type, int flags, int scales_at, int zeros_at, int m, int n, int k,
           int group_words) {
    local float xt[KT][TILE + 1], wt[KT][TILE + 1];
    const int tx = get_local_id(0), ty = get_local_id(1), id = ty * 16 + tx;
    const int r0 = get_group_id(0) * TILE, c0 = get_group_id(1) * TILE;
    const int words = (k + P - 1) / P, panels = (n + 15) / 16;
    const int groups = group_words ? (words + group_words - 1) / group_words : 1;
    const global float *scales = (const global float *)(w + scales_at);
    const global char *zeros = (const global char *)(w + zeros_at);
    float sum[4][4];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) sum[i][j] = 0;
    for (int k0 = 0; k0 < k; k0 += KT) {
        for (int t = id; t < KT * TILE; t += 256) {
            int r = t / KT, j = t % KT;
            xt[j][r] = r0 + r < m && k0 + j < k ? xs[x_first + (size_t)(r0 + r) * k + k0 + j] : 0;
        }
        for (int t = id; t < KT / P * TILE; t += 256) {
            int c = t % TILE, j = t / TILE, word_at = k0 / P + j, p = (c0 + c) / 16;
            int inside = p < panels && word_at < words;
            uint word = inside ? w[((size_t)p * words + word_at) * 16 + c % 16] : 0;
            float scale = 1, zero = 0;
            int g = group_words ? word_at / group_words : 0;
            size_t at = ((size_t)p * groups + g) * 16 + c % 16;
#ifdef GROUPED
            if (inside) scale = scales[at];
#endif
#ifdef FIXED_ZERO
            zero = FIXED_ZERO;
#endif
#ifdef ZEROS
            if (inside) zero = (float)zeros[at];
#endif
            for (int i = 0; i < P; i++)
                wt[j * P + i][c] = inside ? (DECODE(word, i) - zero) * scale : 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < KT; j++) {
            float a[4], b[4];
            for (int i = 0; i < 4; i++) a[i] = xt[j][ty + 16 * i];
            for (int i = 0; i < 4; i++) b[i] = wt[j][tx + 16 * i];
            for (int i = 0; i < 4; i++)
                for (int q = 0; q < 4; q++) sum[i][q] += a[i] * b[q];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
        for (int q = 0; q < 4; q++) {
            int r = r0 + ty + 16 * i, c = c0 + tx + 16 * q;
            if (r >= m || c >= n) continue;
            float v = sum[i][q];
#if defined(SCALED) && !defined(GROUPED)
            v *= scales[c];
#endif
            finish(y, y_type, (size_t)r * n + c, v, bias, c, flags);
        }
}
