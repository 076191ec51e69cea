/* y = x W^T over word panels (opencl/panel.h), few rows of x at a time.
 *
 * A work-item has VN neighbouring columns of y and MT rows of x; 16 / VN of them side by side make a
 * panel, and KS of these share k: they take neighbouring words, so that a group reads one stretch of
 * memory, and add up in local memory. Groups of one panel follow one another over the rows of x, so
 * that a panel is still in a cache when the next rows want it.
 *
 *   -DVN=2|4|8|16  -DMT=1|2|4|8|16  -DKS=1..  -DDECODE_F32 | _F16 | _BF16 | _I8 | _I4
 *   -DX_BLOCKS (x is [ceil(m / MT)][k][MT], with zeros past m; else rows)
 *   -DZEROS (there are zero points)  -DSCALED (by row, after the sum), with -DGROUPED by group */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define VFLOAT CAT(float, VN)
#define VUINT CAT(uint, VN)
#define VLOAD CAT(vload, VN)
#define VSTORE CAT(vstore, VN)
#define TO_FLOAT CAT(convert_float, VN)
#define AS_FLOAT CAT(as_float, VN)
#define AS_UINT CAT(as_uint, VN)
#define AS_INT CAT(as_int, VN)

/* P values of k a word; DECODE gives value i of each word as floats. */
#if defined(DECODE_F32)
#define P 1
#define DECODE(w, i) AS_FLOAT(w)
#elif defined(DECODE_BF16)
#define P 2
#define DECODE(w, i) AS_FLOAT((i) ? (w) & 0xffff0000u : (w) << 16)
#elif defined(DECODE_F16)
#define P 2
/* As half_magnitude. */
inline VFLOAT decode_half(VUINT h) {
#ifdef FLUSHES
    VFLOAT v = (h & 0x7c00u) != 0 ? AS_FLOAT(((h & 0x7fffu) << 13) + 0x38000000u)
                                  : TO_FLOAT(h & 0x3ffu) * 0x1p-24f;
#else
    VFLOAT v = AS_FLOAT((h & 0x7fffu) << 13) * 0x1p112f;
#endif
    return AS_FLOAT(AS_UINT(v) | ((h & 0x8000u) << 16));
}
#define DECODE(w, i) decode_half((i) ? (w) >> 16 : (w) & 0xffffu)
#elif defined(DECODE_I8)
#define P 4
#define DECODE(w, i) TO_FLOAT(AS_INT((w) << (24 - 8 * (i))) >> 24)
#else
#define P 8
#define DECODE(w, i) TO_FLOAT(((w) >> (4 * (i))) & 15u)
#ifndef ZEROS
#define FIXED_ZERO 8.0f
#endif
#endif

/* With one row of x a single sum a column would wait for itself. */
#if MT == 1 && P > 1
#define SUMS 2
#else
#define SUMS 1
#endif

/* Row r of the work-item's rows of x, column i. */
#ifdef X_BLOCKS
#define X(r, i) x[(size_t)(i)*MT + (r)]
#else
#define X(r, i) x[r][i]
#endif

kernel void panel(const global uint *w, const global float *xs, ulong x_first,
                  const global float *bias, global void *y, int y_type, int flags, int scales_at,
                  int zeros_at, int m, int n, int k, int group_words) {
    const int lane = get_local_id(0), z = get_local_id(1), p = get_group_id(1);
    const int r0 = get_group_id(0) * MT, words = (k + P - 1) / P, whole = k / P;
    const int groups = group_words ? (words + group_words - 1) / group_words : 1;
    const global uint *at = w + (size_t)p * words * 16 + lane * VN;
    const global float *scales = (const global float *)(w + scales_at) + (size_t)p * groups * 16 + lane * VN;
    const global char *zeros = (const global char *)(w + zeros_at) + (size_t)p * groups * 16 + lane * VN;
#ifndef X_BLOCKS
    const global float *x[MT];
#endif
    VFLOAT sum[MT * SUMS];
    VFLOAT scale = 1, zero = 0;
#ifdef FIXED_ZERO
    zero = FIXED_ZERO;
#endif
#if defined(ZEROS) && !defined(GROUPED)
    zero = TO_FLOAT(VLOAD(0, zeros));
#endif
#ifdef X_BLOCKS
    const global float *x = xs + x_first + (size_t)r0 * k;
#else
#pragma unroll
    for (int r = 0; r < MT; r++) x[r] = xs + x_first + (size_t)min(r0 + r, m - 1) * k;
#endif
#pragma unroll
    for (int r = 0; r < MT * SUMS; r++) sum[r] = 0;
    int in_group = -1;
    for (int j = z; j < whole; j += KS) {
        VUINT word = VLOAD(0, at + (size_t)j * 16);
#ifdef GROUPED
        int g = j / group_words;
        if (g != in_group) {
            scale = VLOAD(0, scales + (size_t)g * 16);
#ifdef ZEROS
            zero = TO_FLOAT(VLOAD(0, zeros + (size_t)g * 16));
#endif
            in_group = g;
        }
#endif
#pragma unroll
        for (int i = 0; i < P; i++) {
            VFLOAT v = DECODE(word, i);
#if defined(ZEROS) || defined(FIXED_ZERO)
            v -= zero;
#endif
#ifdef GROUPED
            v *= scale;
#endif
#pragma unroll
            for (int r = 0; r < MT; r++) sum[r * SUMS + i % SUMS] += X(r, j * P + i) * v;
        }
    }
#if P > 1
    /* The last word holds less than P values of k. */
    if (whole < words && z == whole % KS) {
        VUINT word = VLOAD(0, at + (size_t)whole * 16);
#ifdef GROUPED
        int g = whole / group_words;
        scale = VLOAD(0, scales + (size_t)g * 16);
#ifdef ZEROS
        zero = TO_FLOAT(VLOAD(0, zeros + (size_t)g * 16));
#endif
#endif
        for (int i = 0; whole * P + i < k; i++) {
            VFLOAT v = DECODE(word, i);
#if defined(ZEROS) || defined(FIXED_ZERO)
            v -= zero;
#endif
#ifdef GROUPED
            v *= scale;
#endif
#pragma unroll
            for (int r = 0; r < MT; r++) sum[r * SUMS] += X(r, whole * P + i) * v;
        }
    }
#endif
#if SUMS == 2
    sum[0] += sum[1];
#endif
#if KS > 1
    local float part[KS * MT * 16];
    for (int r = 0; r < MT; r++) VSTORE(sum[r * SUMS], 0, part + (z * MT + r) * 16 + lane * VN);
    barrier(CLK_LOCAL_MEM_FENCE);
    const int items = 16 / VN * KS;
    for (int t = z * (16 / VN) + lane; t < MT * 16; t += items) {
        int r = r0 + t / 16, col = p * 16 + t % 16;
        float v = 0;
        for (int q = 0; q < KS; q++) v += part[q * MT * 16 + t];
#if defined(SCALED) && !defined(GROUPED)
        v *= ((const global float *)(w + scales_at))[p * 16 + t % 16];
#endif
        if (r < m && col < n) finish(y, y_type, (size_t)r * n + col, v, bias, col, flags);
    }
#else
#if defined(SCALED) && !defined(GROUPED)
    scale = VLOAD(0, scales);
#else
    scale = 1;
#endif
    for (int r = 0; r < MT && r0 + r < m; r++) {
        float out[VN];
        VSTORE(sum[r * SUMS] * scale, 0, out);
        for (int c = 0; c < VN; c++) {
            int col = p * 16 + lane * VN + c;
            if (col < n) finish(y, y_type, (size_t)(r0 + r) * n + col, out[c], bias, col, flags);
        }
    }
#endif
}
