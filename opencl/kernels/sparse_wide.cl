/* y = x W^T for bitmap and N:M weights and few rows of x, for devices that are CPUs: one work-item
 * takes a row of W in vectors of 16.
 *
 *   bitmap   16 neighbouring columns: each column's value lies as far on as bits are set below its
 *            own, which a table says for eight bits at a time; lanes without a bit count for nothing.
 *   N:M      16 stored values, and x from where their codes say.
 *
 * The lanes are gathered one by one: PoCL's compiler makes a gather of it, where shuffle() with
 * indices that are not constants goes through memory and takes three times as long.
 *
 *   -DBITMAP | -DNM_N= -DNM_M= -DNM_BITS=     as in sparse.cl; 16 is a multiple of NM_N
 *   -DVAL_F32 | VAL_F16 | VAL_BF16 | VAL_I8   (with float scales[n])
 *   -DMT= rows of x */
#if defined(VAL_F32)
#define VALUE(i) (((const global float *)values)[i])
#elif defined(VAL_BF16)
#define VALUE(i) bf16_to_float(((const global ushort *)values)[i])
#elif defined(VAL_F16)
#define VALUE(i) half_bits(((const global ushort *)values)[i])
#else
#define VALUE(i) ((float)((const global char *)values)[i])
#endif
inline float half_bits(ushort h) {
    float v = half_magnitude(h);
    return as_float(as_uint(v) | (uint)(h & 0x8000) << 16);
}

#define GATHER(OF, p)                                                                              \
    (float16)(OF((p).s0), OF((p).s1), OF((p).s2), OF((p).s3), OF((p).s4), OF((p).s5), OF((p).s6),  \
              OF((p).s7), OF((p).s8), OF((p).s9), OF((p).sa), OF((p).sb), OF((p).sc), OF((p).sd),  \
              OF((p).se), OF((p).sf))
#define LANE (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define FROM_VALUES(p) VALUE(at + (p))
#define FROM_X(p) x[r][c0 + (p)]

inline float sum_of(float16 v) {
    float8 a = v.lo + v.hi;
    float4 b = a.lo + a.hi;
    return (b.x + b.y) + (b.z + b.w);
}

#if defined(BITMAP)
/* Of each byte: how many bits are set below each of its bits, one a byte. */
constant ulong below[256] = {
    0x0, 0x101010101010100, 0x101010101010000, 0x202020202020100, 0x101010101000000,
    0x202020202010100, 0x202020202010000, 0x303030303020100, 0x101010100000000, 0x202020201010100,
    0x202020201010000, 0x303030302020100, 0x202020201000000, 0x303030302010100, 0x303030302010000,
    0x404040403020100, 0x101010000000000, 0x202020101010100, 0x202020101010000, 0x303030202020100,
    0x202020101000000, 0x303030202010100, 0x303030202010000, 0x404040303020100, 0x202020100000000,
    0x303030201010100, 0x303030201010000, 0x404040302020100, 0x303030201000000, 0x404040302010100,
    0x404040302010000, 0x505050403020100, 0x101000000000000, 0x202010101010100, 0x202010101010000,
    0x303020202020100, 0x202010101000000, 0x303020202010100, 0x303020202010000, 0x404030303020100,
    0x202010100000000, 0x303020201010100, 0x303020201010000, 0x404030302020100, 0x303020201000000,
    0x404030302010100, 0x404030302010000, 0x505040403020100, 0x202010000000000, 0x303020101010100,
    0x303020101010000, 0x404030202020100, 0x303020101000000, 0x404030202010100, 0x404030202010000,
    0x505040303020100, 0x303020100000000, 0x404030201010100, 0x404030201010000, 0x505040302020100,
    0x404030201000000, 0x505040302010100, 0x505040302010000, 0x606050403020100, 0x100000000000000,
    0x201010101010100, 0x201010101010000, 0x302020202020100, 0x201010101000000, 0x302020202010100,
    0x302020202010000, 0x403030303020100, 0x201010100000000, 0x302020201010100, 0x302020201010000,
    0x403030302020100, 0x302020201000000, 0x403030302010100, 0x403030302010000, 0x504040403020100,
    0x201010000000000, 0x302020101010100, 0x302020101010000, 0x403030202020100, 0x302020101000000,
    0x403030202010100, 0x403030202010000, 0x504040303020100, 0x302020100000000, 0x403030201010100,
    0x403030201010000, 0x504040302020100, 0x403030201000000, 0x504040302010100, 0x504040302010000,
    0x605050403020100, 0x201000000000000, 0x302010101010100, 0x302010101010000, 0x403020202020100,
    0x302010101000000, 0x403020202010100, 0x403020202010000, 0x504030303020100, 0x302010100000000,
    0x403020201010100, 0x403020201010000, 0x504030302020100, 0x403020201000000, 0x504030302010100,
    0x504030302010000, 0x605040403020100, 0x302010000000000, 0x403020101010100, 0x403020101010000,
    0x504030202020100, 0x403020101000000, 0x504030202010100, 0x504030202010000, 0x605040303020100,
    0x403020100000000, 0x504030201010100, 0x504030201010000, 0x605040302020100, 0x504030201000000,
    0x605040302010100, 0x605040302010000, 0x706050403020100, 0x0, 0x101010101010100,
    0x101010101010000, 0x202020202020100, 0x101010101000000, 0x202020202010100, 0x202020202010000,
    0x303030303020100, 0x101010100000000, 0x202020201010100, 0x202020201010000, 0x303030302020100,
    0x202020201000000, 0x303030302010100, 0x303030302010000, 0x404040403020100, 0x101010000000000,
    0x202020101010100, 0x202020101010000, 0x303030202020100, 0x202020101000000, 0x303030202010100,
    0x303030202010000, 0x404040303020100, 0x202020100000000, 0x303030201010100, 0x303030201010000,
    0x404040302020100, 0x303030201000000, 0x404040302010100, 0x404040302010000, 0x505050403020100,
    0x101000000000000, 0x202010101010100, 0x202010101010000, 0x303020202020100, 0x202010101000000,
    0x303020202010100, 0x303020202010000, 0x404030303020100, 0x202010100000000, 0x303020201010100,
    0x303020201010000, 0x404030302020100, 0x303020201000000, 0x404030302010100, 0x404030302010000,
    0x505040403020100, 0x202010000000000, 0x303020101010100, 0x303020101010000, 0x404030202020100,
    0x303020101000000, 0x404030202010100, 0x404030202010000, 0x505040303020100, 0x303020100000000,
    0x404030201010100, 0x404030201010000, 0x505040302020100, 0x404030201000000, 0x505040302010100,
    0x505040302010000, 0x606050403020100, 0x100000000000000, 0x201010101010100, 0x201010101010000,
    0x302020202020100, 0x201010101000000, 0x302020202010100, 0x302020202010000, 0x403030303020100,
    0x201010100000000, 0x302020201010100, 0x302020201010000, 0x403030302020100, 0x302020201000000,
    0x403030302010100, 0x403030302010000, 0x504040403020100, 0x201010000000000, 0x302020101010100,
    0x302020101010000, 0x403030202020100, 0x302020101000000, 0x403030202010100, 0x403030202010000,
    0x504040303020100, 0x302020100000000, 0x403030201010100, 0x403030201010000, 0x504040302020100,
    0x403030201000000, 0x504040302010100, 0x504040302010000, 0x605050403020100, 0x201000000000000,
    0x302010101010100, 0x302010101010000, 0x403020202020100, 0x302010101000000, 0x403020202010100,
    0x403020202010000, 0x504030303020100, 0x302010100000000, 0x403020201010100, 0x403020201010000,
    0x504030302020100, 0x403020201000000, 0x504030302010100, 0x504030302010000, 0x605040403020100,
    0x302010000000000, 0x403020101010100, 0x403020101010000, 0x504030202020100, 0x403020101000000,
    0x504030202010100, 0x504030202010000, 0x605040303020100, 0x403020100000000, 0x504030201010100,
    0x504030201010000, 0x605040302020100, 0x504030201000000, 0x605040302010100, 0x605040302010000,
    0x706050403020100,
};

/* Where in the row's values the 16 columns of `bits` find theirs. Lanes without a bit get the place
 * of the next one, which may be one behind the last: the blob has room for it. */
inline uint16 places(uint bits) {
    ulong lo = below[bits & 255u];
    ulong hi = below[bits >> 8] + popcount(bits & 255u) * 0x0101010101010101ul;
    return convert_uint16((uchar16)(as_uchar8(lo), as_uchar8(hi)));
}
#endif

kernel void sparse_wide(const global uint *blob, const global float *xs, ulong x_first,
                        const global float *bias, global void *y, int y_type, int flags,
                        int index_at, int scales_at, int values_at, int row_words, int m, int n,
                        int k) {
    const int row = get_global_id(1), r0 = get_group_id(2) * MT;
    const global uint *words = blob + index_at + (size_t)min(row, n - 1) * row_words;
    const global void *values = blob + values_at;
    const global float *x[MT];
    float16 wide[MT];
    float rest[MT];
    if (row >= n) return;
    for (int r = 0; r < MT; r++) {
        x[r] = xs + x_first + (size_t)min(r0 + r, m - 1) * k;
        wide[r] = 0;
        rest[r] = 0;
    }
#if defined(BITMAP)
    size_t at = blob[row];
    int c0 = 0;
    for (; c0 + 16 <= k; c0 += 16) {
        const uint bits = words[c0 / 32] >> (c0 & 16) & 0xffffu;
        const uint16 p = places(bits);
        const int16 has = ((uint16)(bits) & ((uint16)(1) << LANE)) != 0;
        const float16 w = select((float16)(0), GATHER(FROM_VALUES, p), has);
        for (int r = 0; r < MT; r++) wide[r] += w * vload16(0, x[r] + c0);
        at += popcount(bits);
    }
    for (; c0 < k; c0++)
        if (words[c0 / 32] >> (c0 & 31) & 1u) {
            const float w = VALUE(at);
            for (int r = 0; r < MT; r++) rest[r] += w * x[r][c0];
            at++;
        }
#else
    const int count = (k + NM_M - 1) / NM_M * NM_N;
    const uint16 mask = (1u << NM_BITS) - 1u;
    const size_t first = (size_t)row * count;
    int i = 0;
    for (; i + 16 <= count; i += 16) {
        const size_t at = first + i;
        const int c0 = i / NM_N * NM_M;
#if NM_BITS == 4
        const uint16 word = (uint16)((uint8)(words[i / 8]), (uint8)(words[i / 8 + 1]));
        const uint16 code = word >> (LANE % 8 * 4) & mask;
#else
        const uint16 code = (uint16)(words[i / 16]) >> (LANE * 2) & mask;
#endif
        const uint16 p = LANE / NM_N * NM_M + code;
        const float16 w = GATHER(FROM_VALUES, LANE);
        for (int r = 0; r < MT; r++) wide[r] += w * GATHER(FROM_X, p);
    }
    for (; i < count; i++) {
        const int c = i / NM_N * NM_M + (words[i * NM_BITS / 32] >> (i * NM_BITS & 31) &
                                             ((1u << NM_BITS) - 1u));
        const float w = VALUE(first + i);
        for (int r = 0; r < MT; r++) rest[r] += w * x[r][c];
    }
#endif
    for (int r = 0; r < MT && r0 + r < m; r++) {
        float sum = sum_of(wide[r]) + rest[r];
#ifdef VAL_I8
        sum *= ((const global float *)(blob + scales_at))[row];
#endif
        finish(y, y_type, (size_t)(r0 + r) * n + row, sum, bias, row, flags);
    }
}
