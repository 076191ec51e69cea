/* y = x W^T over word panels of int8 weights (opencl/panel.h) with x quantised to int8 a row.
 *
 * quantise_rows writes x as words of four codes, [m][words], and a scale a row, to the bit as
 * TARE_X_I8 defines it. i8_panel multiplies. Its sums are floats while they are exact: a product is
 * below 2^15, so 512 of them stay below 2^24; then they go to an int, or, with scales by group
 * (at most 128), times their scale to a float.
 *
 * Many rows on CPUs: quantise_blocks writes the codes as floats, MT rows side by side, so that a
 * product takes them from memory as they are (-DX_BLOCKS).
 *
 *   -DLANES= work-items a row of x                       quantise_rows, quantise_blocks
 *   -DVN= -DMT= -DKS= as in panel.cl, -DZEROS, -DGROUPED  i8_panel
 *   -DDOT8 the device's 4 x 8 bit dot products, where there are no zero points */
#ifdef LANES
#pragma OPENCL FP_CONTRACT OFF

/* 127 over the largest of a row, and its scale; 0 where the row is as good as zero. */
inline float inverse_of(const global void *x, int type, size_t from, int k, int lane, local float *part,
                        float *scale) {
    uint bits = 0; /* of the magnitude: ordered as integers NaN is the largest, fmax would drop it */
    for (int j = lane; j < k; j += LANES)
        bits = max(bits, as_uint(load_as_float(x, type, from + j)) & 0x7fffffffu);
#if LANES > 1
    part[lane] = as_float(bits);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int l = 0; l < LANES; l++) bits = max(bits, as_uint(part[l]));
#endif
    if (bits >= 0x7f800000u) { /* not finite: all of y's row is NaN, whatever the codes */
        *scale = NAN;
        return 0.0f;
    }
    const float most = as_float(bits);
    const int zero = most < 0x1p-100f;
    *scale = zero ? 0.0f : divided(most, 127.0f);
    return zero ? 0.0f : divided(127.0f, most);
}

kernel void quantise_rows(const global void *x, int type, global uint *scratch, ulong scales_at,
                          int m, int k) {
    const int row = get_group_id(0), lane = get_local_id(0), words = (k + 3) / 4;
    const size_t from = (size_t)row * k;
    local float part[LANES];
    float scale;
    const float inverse = inverse_of(x, type, from, k, lane, part, &scale);
    if (lane == 0) ((global float *)scratch)[scales_at + row] = scale;
    for (int j = lane; j < words; j += LANES) {
        uint word = 0;
        for (int i = 0; i < 4 && j * 4 + i < k; i++) {
            float v = load_as_float(x, type, from + j * 4 + i) * inverse;
            word |= ((uint)convert_int_sat(rint(v)) & 255u) << (8 * i);
        }
        scratch[(size_t)row * words + j] = word;
    }
}

/* [ceil(m / block)][4 ceil(k / 4)][block] floats, zeros past m and k; a group for each of those
 * rows. */
kernel void quantise_blocks(const global void *x, int type, global float *scratch, ulong scales_at,
                            int m, int k, int block) {
    const int row = get_group_id(0), lane = get_local_id(0), wide = (k + 3) / 4 * 4;
    const size_t from = (size_t)min(row, m - 1) * k;
    global float *out = scratch + (size_t)(row / block) * wide * block + row % block;
    local float part[LANES];
    float scale;
    const float inverse = inverse_of(x, type, from, k, lane, part, &scale);
    if (lane == 0 && row < m) scratch[scales_at + row] = scale;
    for (int j = lane; j < wide; j += LANES)
        out[(size_t)j * block] =
            row < m && j < k ? clamp(rint(load_as_float(x, type, from + j) * inverse), -128.0f, 127.0f)
                             : 0.0f;
}
#else
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define VFLOAT CAT(float, VN)
#define VUINT CAT(uint, VN)
#define VINT CAT(int, VN)
#define VLOAD CAT(vload, VN)
#define VSTORE CAT(vstore, VN)
#define TO_FLOAT CAT(convert_float, VN)
#define TO_INT CAT(convert_int, VN)
#define AS_INT CAT(as_int, VN)
/* Words of k whose products a float holds exactly. */
#define EXACT_WORDS 128

#ifdef DOT8
inline VINT dots(uint a, VUINT w) {
    uint b[VN];
    int c[VN];
    VSTORE(w, 0, b);
    for (int i = 0; i < VN; i++) c[i] = dot_4x8packed_ss_int(a, b[i]);
    return VLOAD(0, c);
}
#endif

kernel void i8_panel(const global uint *w, const global uint *xs, const global float *bias,
                     global void *y, int y_type, int flags, int scales_at, int zeros_at,
                     ulong x_scales_at, int m, int n, int k, int group_words) {
    const int lane = get_local_id(0), z = get_local_id(1), p = get_group_id(1);
    const int r0 = get_group_id(0) * MT, words = (k + 3) / 4;
    const int span = group_words ? group_words : EXACT_WORDS, spans = (words + span - 1) / span;
    const int groups = group_words ? spans : 1;
    const global uint *at = w + (size_t)p * words * 16 + lane * VN;
    const size_t head = (size_t)p * groups * 16 + lane * VN;
    const global float *scales = (const global float *)(w + scales_at) + head;
    const global char *zeros = (const global char *)(w + zeros_at) + head;
#ifdef X_BLOCKS
    const global float *x = (const global float *)xs + (size_t)r0 * words * 4;
#else
    const global uint *x[MT];
#endif
#ifdef GROUPED
    VFLOAT total[MT];
#else
    VINT total[MT];
#endif
    VFLOAT zero = 0;
    for (int r = 0; r < MT; r++) {
#ifndef X_BLOCKS
        x[r] = xs + (size_t)min(r0 + r, m - 1) * words;
#endif
        total[r] = 0;
    }
#if defined(ZEROS) && !defined(GROUPED)
    zero = TO_FLOAT(VLOAD(0, zeros));
#endif
    for (int g = 0; g < spans; g++) {
        const int end = min((g + 1) * span, words);
#ifdef DOT8
        VINT sum[MT];
#else
        VFLOAT sum[MT];
#endif
        for (int r = 0; r < MT; r++) sum[r] = 0;
#if defined(ZEROS) && defined(GROUPED)
        zero = TO_FLOAT(VLOAD(0, zeros + (size_t)g * 16));
#endif
        for (int j = g * span + z; j < end; j += KS) {
            const VUINT word = VLOAD(0, at + (size_t)j * 16);
#ifdef DOT8
            for (int r = 0; r < MT; r++) sum[r] += dots(x[r][j], word);
#else
#pragma unroll
            for (int i = 0; i < 4; i++) {
                VFLOAT v = TO_FLOAT(AS_INT(word << (24 - 8 * i)) >> 24);
#ifdef ZEROS
                /* Past k x is 0, so that what stands here does not matter. */
                v -= zero;
#endif
#pragma unroll
                for (int r = 0; r < MT; r++)
#ifdef X_BLOCKS
                    sum[r] += x[(size_t)(j * 4 + i) * MT + r] * v;
#else
                    sum[r] += (float)((const global char *)(x[r] + j))[i] * v;
#endif
            }
#endif
        }
#ifdef GROUPED
        const VFLOAT scale = VLOAD(0, scales + (size_t)g * 16);
#ifdef DOT8
        for (int r = 0; r < MT; r++) total[r] += TO_FLOAT(sum[r]) * scale;
#else
        for (int r = 0; r < MT; r++) total[r] += sum[r] * scale;
#endif
#else
#ifdef DOT8
        for (int r = 0; r < MT; r++) total[r] += sum[r];
#else
        for (int r = 0; r < MT; r++) total[r] += TO_INT(sum[r]);
#endif
#endif
    }
#ifdef GROUPED
    local float part[KS * MT * 16];
#else
    local int part[KS * MT * 16];
#endif
    for (int r = 0; r < MT; r++) VSTORE(total[r], 0, part + (z * MT + r) * 16 + lane * VN);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int t = z * (16 / VN) + lane; t < MT * 16; t += 16 / VN * KS) {
        const int r = r0 + t / 16, col = p * 16 + t % 16;
#ifdef GROUPED
        float v = 0;
        for (int q = 0; q < KS; q++) v += part[q * MT * 16 + t];
#else
        int exact = 0;
        for (int q = 0; q < KS; q++) exact += part[q * MT * 16 + t];
        float v = (float)exact * ((const global float *)(w + scales_at))[p * 16 + t % 16];
#endif
        if (r < m && col < n)
            finish(y, y_type, (size_t)r * n + col, v * ((const global float *)xs)[x_scales_at + r],
                   bias, col, flags);
    }
}
#endif
