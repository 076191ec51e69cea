/* y = x W^T over stored values row by row of W: CSR, bitmap and N:M, which differ only in how the
 * columns are found. Two kernels: sparse_few walks a row of W with x read where its columns are;
 * sparse_many has rows of x as lanes, so that one stored value meets many of them in one load.
 *
 *   -DCSR  -DCOL16 (columns are ushort, else uint)      offsets uint[n + 1], columns
 *   -DBITMAP                                            offsets uint[n + 1], uint bits[n][ceil(k / 32)]
 *   -DNM_N= -DNM_M= -DNM_BITS=                          uint codes[n][row_words]
 *   -DVAL_F32 | VAL_F16 | VAL_BF16 | VAL_I8 (with float scales[n])
 *   -DMT= rows of x, -DLANES= -DROWS= work-group        sparse_few
 *   -DVM= rows of x a vector, -DNV= vectors             sparse_many */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
/* Work-items that share a row's stored values. */
#ifdef LANES
#define STEP LANES
#else
#define STEP 1
#endif

#if defined(VAL_F32)
#define VALUE(i) (((const global float *)values)[i])
#elif defined(VAL_BF16)
#define VALUE(i) bf16_to_float(((const global ushort *)values)[i])
#elif defined(VAL_F16)
inline float half_bits(ushort h) {
    float v = half_magnitude(h);
    return as_float(as_uint(v) | (uint)(h & 0x8000) << 16);
}
#define VALUE(i) half_bits(((const global ushort *)values)[i])
#else
#define VALUE(i) ((float)((const global char *)values)[i])
#endif

/* WALK gives TAKE(c, v, slot) the column and value of each stored value of `row` that is this lane's;
 * neighbours come with different slots 0..3, so that sums of their own need not wait for each
 * other. */
#if defined(CSR)
#ifdef COL16
#define COLUMN(i) (((const global ushort *)index)[i])
#else
#define COLUMN(i) (((const global uint *)index)[i])
#endif
#define WALK                                                                                       \
    uint i = offsets[row] + lane;                                                                  \
    const uint end = offsets[row + 1];                                                             \
    for (; i + 3 * STEP < end; i += 4 * STEP) {                                                    \
        TAKE(COLUMN(i), VALUE(i), 0)                                                               \
        TAKE(COLUMN(i + STEP), VALUE(i + STEP), 1)                                                 \
        TAKE(COLUMN(i + 2 * STEP), VALUE(i + 2 * STEP), 2)                                         \
        TAKE(COLUMN(i + 3 * STEP), VALUE(i + 3 * STEP), 3)                                         \
    }                                                                                              \
    for (; i < end; i += STEP) TAKE(COLUMN(i), VALUE(i), 0)
#elif defined(BITMAP)
#define BITS                                                                                       \
    const global uint *bits = (const global uint *)index + (size_t)row * row_words;                \
    uint i = offsets[row];                                                                         \
    int q = 0;
#if STEP == 1
/* The places of the bits of a byte, one a byte, the lowest first. */
constant ulong places[256] = {
    0x0, 0x0, 0x1, 0x100, 0x2, 0x200, 0x201, 0x20100, 0x3, 0x300, 0x301, 0x30100, 0x302, 0x30200,
    0x30201, 0x3020100, 0x4, 0x400, 0x401, 0x40100, 0x402, 0x40200, 0x40201, 0x4020100, 0x403,
    0x40300, 0x40301, 0x4030100, 0x40302, 0x4030200, 0x4030201, 0x403020100, 0x5, 0x500, 0x501,
    0x50100, 0x502, 0x50200, 0x50201, 0x5020100, 0x503, 0x50300, 0x50301, 0x5030100, 0x50302,
    0x5030200, 0x5030201, 0x503020100, 0x504, 0x50400, 0x50401, 0x5040100, 0x50402, 0x5040200,
    0x5040201, 0x504020100, 0x50403, 0x5040300, 0x5040301, 0x504030100, 0x5040302, 0x504030200,
    0x504030201, 0x50403020100, 0x6, 0x600, 0x601, 0x60100, 0x602, 0x60200, 0x60201, 0x6020100,
    0x603, 0x60300, 0x60301, 0x6030100, 0x60302, 0x6030200, 0x6030201, 0x603020100, 0x604,
    0x60400, 0x60401, 0x6040100, 0x60402, 0x6040200, 0x6040201, 0x604020100, 0x60403, 0x6040300,
    0x6040301, 0x604030100, 0x6040302, 0x604030200, 0x604030201, 0x60403020100, 0x605, 0x60500,
    0x60501, 0x6050100, 0x60502, 0x6050200, 0x6050201, 0x605020100, 0x60503, 0x6050300, 0x6050301,
    0x605030100, 0x6050302, 0x605030200, 0x605030201, 0x60503020100, 0x60504, 0x6050400,
    0x6050401, 0x605040100, 0x6050402, 0x605040200, 0x605040201, 0x60504020100, 0x6050403,
    0x605040300, 0x605040301, 0x60504030100, 0x605040302, 0x60504030200, 0x60504030201,
    0x6050403020100, 0x7, 0x700, 0x701, 0x70100, 0x702, 0x70200, 0x70201, 0x7020100, 0x703,
    0x70300, 0x70301, 0x7030100, 0x70302, 0x7030200, 0x7030201, 0x703020100, 0x704, 0x70400,
    0x70401, 0x7040100, 0x70402, 0x7040200, 0x7040201, 0x704020100, 0x70403, 0x7040300, 0x7040301,
    0x704030100, 0x7040302, 0x704030200, 0x704030201, 0x70403020100, 0x705, 0x70500, 0x70501,
    0x7050100, 0x70502, 0x7050200, 0x7050201, 0x705020100, 0x70503, 0x7050300, 0x7050301,
    0x705030100, 0x7050302, 0x705030200, 0x705030201, 0x70503020100, 0x70504, 0x7050400,
    0x7050401, 0x705040100, 0x7050402, 0x705040200, 0x705040201, 0x70504020100, 0x7050403,
    0x705040300, 0x705040301, 0x70504030100, 0x705040302, 0x70504030200, 0x70504030201,
    0x7050403020100, 0x706, 0x70600, 0x70601, 0x7060100, 0x70602, 0x7060200, 0x7060201,
    0x706020100, 0x70603, 0x7060300, 0x7060301, 0x706030100, 0x7060302, 0x706030200, 0x706030201,
    0x70603020100, 0x70604, 0x7060400, 0x7060401, 0x706040100, 0x7060402, 0x706040200,
    0x706040201, 0x70604020100, 0x7060403, 0x706040300, 0x706040301, 0x70604030100, 0x706040302,
    0x70604030200, 0x70604030201, 0x7060403020100, 0x70605, 0x7060500, 0x7060501, 0x706050100,
    0x7060502, 0x706050200, 0x706050201, 0x70605020100, 0x7060503, 0x706050300, 0x706050301,
    0x70605030100, 0x706050302, 0x70605030200, 0x70605030201, 0x7060503020100, 0x7060504,
    0x706050400, 0x706050401, 0x70605040100, 0x706050402, 0x70605040200, 0x70605040201,
    0x7060504020100, 0x706050403, 0x70605040300, 0x70605040301, 0x7060504030100, 0x70605040302,
    0x7060504030200, 0x7060504030201, 0x706050403020100,
};
/* 256 columns at a time: first the places of all their bits, without a branch that depends on them,
 * then the values. A loop over the bits of each word would guess its end wrong each time. */
#define WALK                                                                                       \
    BITS uchar place[264];                                                                         \
    for (; q < row_words; q += 8) {                                                                \
        const int words = min(8, row_words - q), c0 = q * 32;                                      \
        uint found = 0, t = 0;                                                                     \
        for (int u = 0; u < words; u++) {                                                          \
            const uint b = bits[q + u];                                                            \
            for (int e = 0; e < 4; e++) {                                                          \
                const uint eight = b >> (8 * e) & 255u;                                            \
                const ulong at = places[eight] + (ulong)(u * 32 + e * 8) * 0x0101010101010101ul;   \
                vstore8(as_uchar8(at), 0, place + found);                                          \
                found += popcount(eight);                                                          \
            }                                                                                      \
        }                                                                                          \
        for (; t + 4 <= found; t += 4) {                                                           \
            TAKE(c0 + place[t], VALUE(i + t), 0)                                                   \
            TAKE(c0 + place[t + 1], VALUE(i + t + 1), 1)                                           \
            TAKE(c0 + place[t + 2], VALUE(i + t + 2), 2)                                           \
            TAKE(c0 + place[t + 3], VALUE(i + t + 3), 3)                                           \
        }                                                                                          \
        for (; t < found; t++) TAKE(c0 + place[t], VALUE(i + t), 0)                                \
        i += found;                                                                                \
    }
#else
/* A lane a bit: its value lies behind those of the lower bits. LANES is 32. */
#define WALK                                                                                       \
    BITS for (; q < row_words; q++) {                                                              \
        const uint b = bits[q];                                                                    \
        if (b >> lane & 1u) {                                                                      \
            const uint at = i + popcount(b & ((1u << lane) - 1u));                                 \
            TAKE(q * 32 + lane, VALUE(at), 0)                                                      \
        }                                                                                          \
        i += popcount(b);                                                                          \
    }
#endif
#else
#define PER_WORD (32 / NM_BITS)
#define COLUMN(i, word)                                                                            \
    ((i) / NM_N * NM_M + ((word) >> ((i) % PER_WORD * NM_BITS) & ((1u << NM_BITS) - 1u)))
#if STEP == 1
/* Whole words of codes, then the rest. */
#define WALK                                                                                       \
    const global uint *codes = (const global uint *)index + (size_t)row * row_words;               \
    const int count = (k + NM_M - 1) / NM_M * NM_N, whole = count / PER_WORD;                      \
    const size_t first = (size_t)row * count;                                                      \
    for (int q = 0; q < whole; q++) {                                                              \
        const uint word = codes[q];                                                                \
        const int i = q * PER_WORD;                                                                \
        _Pragma("unroll") for (int u = 0; u < PER_WORD; u += 4) {                                  \
            TAKE(COLUMN(i + u, word), VALUE(first + i + u), 0)                                     \
            TAKE(COLUMN(i + u + 1, word), VALUE(first + i + u + 1), 1)                             \
            TAKE(COLUMN(i + u + 2, word), VALUE(first + i + u + 2), 2)                             \
            TAKE(COLUMN(i + u + 3, word), VALUE(first + i + u + 3), 3)                             \
        }                                                                                          \
    }                                                                                              \
    for (int i = whole * PER_WORD; i < count; i++)                                                 \
        TAKE(COLUMN(i, codes[whole]), VALUE(first + i), 0)
#else
#define WALK                                                                                       \
    const global uint *codes = (const global uint *)index + (size_t)row * row_words;               \
    const int count = (k + NM_M - 1) / NM_M * NM_N;                                                \
    for (int i = lane; i < count; i += STEP)                                                       \
        TAKE(COLUMN(i, codes[i / PER_WORD]), VALUE((size_t)row * count + i), 0)
#endif
#endif

#if defined(LANES)
/* A work-group: LANES x ROWS work-items, a row of W for each of the latter; the third dimension of
 * groups goes over blocks of MT rows of x. */
#define SUMS (MT == 1 && STEP == 1 ? 4 : 1)
#define TAKE(c, v, slot)                                                                           \
    {                                                                                              \
        const int column = c;                                                                      \
        const float value = v;                                                                     \
        for (int r = 0; r < MT; r++) sum[r * SUMS + (slot) % SUMS] += value * x[r][column];        \
    }
kernel void sparse_few(const global uint *blob, const global float *xs, ulong x_first,
                       const global float *bias, global void *y, int y_type, int flags,
                       int index_at, int scales_at, int values_at, int row_words, int m, int n,
                       int k) {
    const global uint *offsets = blob, *index = blob + index_at;
    const global void *values = blob + values_at;
    const int lane = get_local_id(0), row = min((int)get_global_id(1), n - 1);
    const int r0 = get_group_id(2) * MT;
    const global float *x[MT];
    float sum[MT * SUMS];
    for (int r = 0; r < MT; r++) x[r] = xs + x_first + (size_t)min(r0 + r, m - 1) * k;
    for (int r = 0; r < MT * SUMS; r++) sum[r] = 0;
    {
        WALK
    }
    if (SUMS == 4) sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
#if LANES > 1
    local float part[MT * ROWS * LANES];
    const int in = get_local_id(1);
    for (int r = 0; r < MT; r++) part[(r * ROWS + in) * LANES + lane] = sum[r];
    for (int hop = LANES / 2; hop > 0; hop /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < hop)
            for (int r = 0; r < MT; r++) {
                local float *p = part + (r * ROWS + in) * LANES + lane;
                p[0] += p[hop];
            }
    }
    if (lane > 0) return;
    for (int r = 0; r < MT; r++) sum[r] = part[(r * ROWS + in) * LANES];
#endif
    if (get_global_id(1) >= n) return;
    for (int r = 0; r < MT && r0 + r < m; r++) {
#ifdef VAL_I8
        sum[r] *= ((const global float *)(blob + scales_at))[row];
#endif
        finish(y, y_type, (size_t)(r0 + r) * n + row, sum[r], bias, row, flags);
    }
}
#else
#define VFLOAT CAT(float, VM)
#define TAKE(c, v, slot)                                                                           \
    {                                                                                              \
        const global float *xc = x + (size_t)(c)*m_pad;                                            \
        const float value = v;                                                                     \
        for (int q_ = 0; q_ < NV; q_++) sum[q_] += value * CAT(vload, VM)(q_, xc);                 \
    }
/* A work-item: one row of W, NV * VM rows of x from m0. xt is x^T, [k][m_pad]. */
kernel void sparse_many(const global uint *blob, const global float *xt, ulong x_first,
                        const global float *bias, global void *y, int y_type, int flags,
                        int index_at, int scales_at, int values_at, int row_words, int m, int n,
                        int k, int m_pad) {
    const global uint *offsets = blob, *index = blob + index_at;
    const global void *values = blob + values_at;
    const int lane = 0, m0 = get_global_id(0) * (NV * VM), row = get_global_id(1);
    if (m0 >= m || row >= n) return;
    const global float *x = xt + x_first + m0;
    VFLOAT sum[NV];
    for (int q = 0; q < NV; q++) sum[q] = 0;
    {
        WALK
    }
    float scale = 1;
#ifdef VAL_I8
    scale = ((const global float *)(blob + scales_at))[row];
#endif
    for (int q = 0; q < NV; q++) {
        float out[VM];
        CAT(vstore, VM)(sum[q] * scale, 0, out);
        for (int j = 0; j < VM; j++) {
            int r = m0 + q * VM + j;
            if (r < m) finish(y, y_type, (size_t)r * n + row, out[j], bias, row, flags);
        }
    }
}
#endif
