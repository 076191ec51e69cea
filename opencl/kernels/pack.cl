/* W as n * k floats to a row's packed form, on the device, to the bit as tare_encode and the row's
 * `pack` do it on the host (src/format/quant.c, float.c, nm.c). `bad` is set where a value does not
 * fit: the host then finds out which.
 *
 *   value      tare_type of the stored values; wide: they have zero points
 *   extremes   uint2 a scale: the bits of the greatest of its values and of the greatest of their
 *              negatives, 0 where there is none above 0
 *
 * Values are looked at as bits wherever a device may flush subnormals, and quotients come from
 * exact.clh: no doubles are needed, though where there are any they are faster.
 *
 *   -DLANES=   work-items that share the values of one scale
 *   -DFP64     the device has doubles and subnormals: quotients of values by those, many times as
 *              fast where work-items become vectors */
#ifdef FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#pragma OPENCL FP_CONTRACT OFF

#define TYPE_I8 4
#define TYPE_I4 5
#define INFINITE 0x7f800000u

/* Not 0; not finite. */
inline int not_zero(float v) {
    return (as_uint(v) & 0x7fffffffu) != 0;
}
inline int strange(float v) {
    return (as_uint(v) & INFINITE) == INFINITE;
}

/* ---- scales ---- */

/* As signed integers floats of either sign are ordered by magnitude, those below 0 the other way
 * and below all others; NaN is beyond infinity. */
kernel void extremes(const global float *w, global uint2 *out, global int *bad, int k, int groups,
                     int width) {
    const int lane = get_local_id(0);
    const size_t at = get_group_id(0);
    const int row = at / groups, first = (int)(at % groups) * width;
    const int count = min(width, k - first);
    const global int *v = (const global int *)w + (size_t)row * k + first;
    const int flip = 1 << 31;
    int up = 0, down = 0, j = lane * 16;
    int16 ups = 0, downs = 0;
    for (; j + 16 <= count; j += LANES * 16) {
        const int16 u = vload16(0, v + j);
        ups = max(ups, u);
        downs = max(downs, u ^ flip);
    }
    for (; j < count; j++) { /* of one lane: the last, ragged sixteen */
        up = max(up, v[j]);
        down = max(down, v[j] ^ flip);
    }
    int8 u8 = max(ups.lo, ups.hi), d8 = max(downs.lo, downs.hi);
    int4 u4 = max(u8.lo, u8.hi), d4 = max(d8.lo, d8.hi);
    up = max(up, max(max(u4.x, u4.y), max(u4.z, u4.w)));
    down = max(down, max(max(d4.x, d4.y), max(d4.z, d4.w)));
#if LANES > 1
    local int2 part[LANES];
    part[lane] = (int2)(up, down);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane == 0)
        for (int l = 1; l < LANES; l++) {
            up = max(up, part[l].x);
            down = max(down, part[l].y);
        }
#endif
    if (lane) return;
    if (max((uint)up, (uint)down) >= INFINITE) *bad = 1;
    out[at] = (uint2)((uint)up, (uint)down);
}

/* One scale for all rows: their extremes into the first. */
kernel void extremes_of_all(global uint2 *e, int n) {
    uint2 all = e[0];
    if (get_global_id(0) != 0) return;
    for (int i = 1; i < n; i++) all = max(all, e[i]);
    e[0] = all;
}

/* The product is exact before it is rounded, as on the host. */
inline int decodes(float scale, int reach) {
    return !strange(scale * (float)reach);
}

/* The scale as float, before it is stored; *over: it is above the largest half. */
inline float scale_of(uint2 r, int wide, int steps, int *over) {
    const float most = as_float(max(r.x, r.y));
    *over = 0;
    if (!(r.x | r.y)) return 1;
    if (wide) return step_of(as_float(r.x), as_float(r.y), (uint)steps, over);
    *over = most > 65504.0f * (float)steps; /* exact, and no quotient is that close */
    return divided(most, (float)steps);
}

/* A scale and a zero point a row of W and group, [row / panel][group][panel]. one: a single scale
 * for all; grouped: scales are halves, rounded up. */
kernel void heads(const global uint2 *e, global float *scales, ulong scales_at, global char *zeros,
                  ulong zeros_at, global int *bad, int value, int wide, int n, int groups, int panel,
                  int one, int grouped) {
    const int g = get_global_id(0), row = get_global_id(1);
    if (g >= groups || row >= n) return;
    const uint2 r = e[one ? 0 : (size_t)row * groups + g];
    const int least = value == TYPE_I4 ? 0 : -128, most = value == TYPE_I4 ? 15 : 127;
    const int limit = value == TYPE_I4 ? 7 : 127;
    const size_t at = ((size_t)(row / panel) * groups + g) * panel + row % panel;
    int over;
    const float s = scale_of(r, wide, wide ? most - least : limit, &over);
    float stored;
    if (grouped && over) *bad = 1;
    if (grouped) {
        ushort h;
        vstore_half_rte(s, 0, (half *)&h);
        if (vload_half(0, (const half *)&h) < s) h++;
        if (h == 0) h = 1;
        stored = vload_half(0, (const half *)&h);
    } else {
        stored = s >= 0x1p-126f ? s : 0x1p-126f;
    }
    if (!wide && !decodes(stored, limit)) stored = as_float(as_uint(stored) - 1);
    scales[scales_at + at] = stored;
    if (!wide) return;
    int zero = least + whole_of(as_float(r.y), stored);
    if (zero > most) zero = most;
    if (!decodes(stored, max(zero - least, most - zero))) *bad = 1;
    zeros[zeros_at + at] = (char)zero;
}

/* ---- values ---- */

/* Far from where a device may flush or cut short. */
inline int plain(float v) {
    const uint e = as_uint(v) >> 23 & 255u;
    return e > 64u && e < 190u;
}

/* rint(v / scale) + zero within least and most, of the nearest float to the quotient. Of doubles it
 * is rounded twice, which is the same here since 53 >= 2 * 24 + 2. Else the device's own quotient, up to 2.5 ulp from the exact one, settles it unless it lies near the middle of two
 * codes: below 1024 that error and the rounding are less than 3 * 2^-14 together; from there on
 * every code is clamped. Else the exact one is made. */
inline int code_of(float v, float scale, int zero, int least, int most) {
#ifdef FP64
    float r = (float)((double)v / (double)scale);
#else
    float r = v / scale;
    if (!plain(v) || !plain(scale) || fabs(fabs(r - rint(r)) - 0.5f) < 0x1p-10f)
        r = divided(v, scale);
#endif
    const float q = rint(r) + (float)zero;
    return q < (float)least ? least : q > (float)most ? most : (int)q;
}

/* The bits of a float value of 16 bits, or of an int8. */
inline uint bits_of(float v, int value, float scale, int zero, int least, global int *bad) {
    ushort h;
    if (value == TYPE_I8) return (uint)code_of(v, scale, zero, least, 127) & 255u;
    if (value == TYPE_BF16)
        h = float_to_bf16(v);
    else
        vstore_half_rte(v, 0, (half *)&h);
    const uint infinite = value == TYPE_BF16 ? 0x7f80u : 0x7c00u;
    if ((h & infinite) == infinite) *bad = 1;
    return h;
}

/* Word panels (opencl/panel.h): a work-item makes one word of one row. */
kernel void panel_words(const global float *w, global uint *blob, ulong scales_at, ulong zeros_at,
                        global int *bad, int value, int wide, int n, int k, int words, int groups,
                        int group_words) {
    const int j = get_global_id(0), row = get_global_id(1);
    if (j >= words || row >= n) return;
    const int bits = value == TYPE_F32 ? 32 : value == TYPE_I8 ? 8 : value == TYPE_I4 ? 4 : 16;
    const int per = 32 / bits, first = j * per, count = min(per, k - first);
    const global float *v = w + (size_t)row * k + first;
    const size_t at = ((size_t)(row / 16) * words + j) * 16 + row % 16;
    float scale = 1;
    int zero = value == TYPE_I4 ? 8 : 0, least = value == TYPE_I4 ? !wide : wide ? -128 : -127;
    uint word = 0;
    if (value == TYPE_F32) {
        if (strange(v[0])) *bad = 1;
        blob[at] = as_uint(v[0]);
        return;
    }
    if (value == TYPE_I8 || value == TYPE_I4) {
        const int g = group_words ? j / group_words : 0;
        const size_t head = ((size_t)(row / 16) * groups + g) * 16 + row % 16;
        scale = ((const global float *)blob)[scales_at + head];
        if (wide) zero = ((const global char *)blob)[zeros_at + head];
    }
    if (value == TYPE_I4)
        for (int i = 0; i < 8; i++)
            word |= (i < count ? (uint)code_of(v[i], scale, zero, least, 15) : 8u) << 4 * i;
    else if (value == TYPE_I8)
        for (int i = 0; i < 4; i++)
            word |= (i < count ? (uint)code_of(v[i], scale, zero, least, 127) & 255u : 0u) << 8 * i;
    else
        for (int i = 0; i < count; i++)
            word |= bits_of(v[i], value, scale, zero, least, bad) << bits * i;
    blob[at] = word;
}

/* ---- sparse layouts (opencl/sparse.h) ---- */

/* Value i of the values at `at` (bytes) of the blob. */
inline void put(global uint *blob, ulong at, size_t i, float v, int value, float scale,
                global int *bad) {
    global uchar *to = (global uchar *)blob + at;
    if (value == TYPE_F32) {
        if (strange(v)) *bad = 1;
        ((global uint *)to)[i] = as_uint(v);
    } else if (value == TYPE_I8) {
        to[i] = (uchar)bits_of(v, value, scale, 0, -127, bad);
    } else {
        ((global ushort *)to)[i] = (ushort)bits_of(v, value, 1, 0, 0, bad);
    }
}

/* N:M by magnitude: a work-item does as many groups of a row as make nm_n whole words of codes. */
kernel void nm_words(const global float *w, global uint *blob, ulong scales_at, ulong values_at,
                     global int *bad, int value, int n, int k, int nm_n, int nm_m, int bits,
                     int row_words) {
    const int unit = get_global_id(0), row = get_global_id(1);
    const int per = 32 / bits, groups = (k + nm_m - 1) / nm_m, first = unit * per;
    if (first >= groups || row >= n) return;
    const float scale = value == TYPE_I8 ? ((const global float *)blob)[scales_at + row] : 1.0f;
    const size_t values = (size_t)row * groups * nm_n;
    uint word = 0;
    int codes = 0;
    for (int g = first; g < min(first + per, groups); g++) {
        const global float *v = w + (size_t)row * k + (size_t)g * nm_m;
        const int real = min(nm_m, k - g * nm_m);
        uint taken = 0;
        for (int i = 0; i < nm_n; i++) {
            int most = -2, best = 0;
            for (int j = 0; j < nm_m; j++) {
                const int a = j < real ? (int)(as_uint(v[j]) & 0x7fffffffu) : -1;
                if (!(taken >> j & 1u) && a > most) {
                    most = a;
                    best = j;
                }
            }
            taken |= 1u << best;
        }
        int kept = 0;
        for (int j = 0; j < nm_m; j++) {
            if (j < real && strange(v[j])) *bad = 1;
            if (!(taken >> j & 1u)) continue;
            put(blob, values_at, values + (size_t)g * nm_n + kept++, j < real ? v[j] : 0.0f, value,
                scale, bad);
            word |= (uint)(j < real ? j : 0) << codes * bits; /* past k: any column will do */
            if (++codes == per) {
                const int codes_before = (g - first) * nm_n + kept - 1;
                blob[(size_t)row * row_words + unit * nm_n + codes_before / per] = word;
                word = 0;
                codes = 0;
            }
        }
    }
    if (codes) blob[(size_t)row * row_words + row_words - 1] = word;
}

/* Values of a row that are not zero. */
kernel void row_counts(const global float *w, global int *counts, int n, int k) {
    const int row = get_global_id(0);
    int count = 0;
    if (row >= n) return;
    for (int j = 0; j < k; j++) count += not_zero(w[(size_t)row * k + j]);
    counts[row] = count;
}

/* The values of a row and where they stand; the blob begins with the offsets. cols: bytes of a
 * column, 0 for bits, 32 a word. */
kernel void row_values(const global float *w, global uint *blob, ulong index_at, ulong scales_at,
                       ulong values_at, global int *bad, int value, int n, int k, int cols) {
    const int row = get_global_id(0);
    if (row >= n) return;
    const float scale = value == TYPE_I8 ? ((const global float *)blob)[scales_at + row] : 1.0f;
    global uint *index = blob + index_at;
    size_t at = blob[row];
    uint word = 0;
    for (int j = 0; j < k; j++) {
        const float v = w[(size_t)row * k + j];
        if (strange(v)) *bad = 1;
        if (not_zero(v)) {
            put(blob, values_at, at, v, value, scale, bad);
            if (cols == 2) ((global ushort *)index)[at] = (ushort)j;
            if (cols == 4) index[at] = (uint)j;
            word |= 1u << j % 32;
            at++;
        }
        if (cols == 0 && (j % 32 == 31 || j == k - 1)) {
            index[(size_t)row * ((k + 31) / 32) + j / 32] = word;
            word = 0;
        }
    }
}

/* ---- blocks (opencl/matmul_bs_ocl.c) ---- */

/* Whether block `col` of block row `line` has a value that is not 0. */
inline int any(const global float *w, int n, int k, int r, int c, int line, int col) {
    for (int i = line * r; i < min(line * r + r, n); i++)
        for (int j = col * c; j < min(col * c + c, k); j++)
            if (not_zero(w[(size_t)i * k + j])) return 1;
    return 0;
}

kernel void block_counts(const global float *w, global int *counts, int n, int k, int r, int c) {
    const int line = get_global_id(0);
    int count = 0;
    if (line >= (n + r - 1) / r) return;
    for (int col = 0; col < (k + c - 1) / c; col++) count += any(w, n, k, r, c, line, col);
    counts[line] = count;
}

/* As float, what the value decodes to once it is stored. */
inline float stored(float v, int value, float scale, global int *bad) {
    if (strange(v)) *bad = 1;
    if (value == TYPE_F32) return v;
    if (value == TYPE_I8)
        return scale * (float)code_of(v, scale, 0, -127, 127);
    ushort h = (ushort)bits_of(v, value, 1, 0, 0, bad);
    return value == TYPE_BF16 ? bf16_to_float(h) : vload_half(0, (const half *)&h);
}

/* The blob begins with the offsets; a block's values go column by column, r_pad apart. */
kernel void block_values(const global float *w, global uint *blob, const global float *scales,
                         ulong index_at, ulong values_at, global int *bad, int value, int n, int k,
                         int r, int c, int r_pad) {
    const int line = get_global_id(0);
    if (line >= (n + r - 1) / r) return;
    uint b = blob[line];
    for (int col = 0; col < (k + c - 1) / c; col++) {
        if (!any(w, n, k, r, c, line, col)) continue;
        global float *out = (global float *)blob + values_at + (size_t)b * c * r_pad;
        for (int i = 0; i < r && line * r + i < n; i++) {
            const int row = line * r + i;
            const float scale = value == TYPE_I8 ? scales[row] : 1.0f;
            for (int j = 0; j < c && col * c + j < k; j++)
                out[j * r_pad + i] = stored(w[(size_t)row * k + col * c + j], value, scale, bad);
        }
        blob[index_at + b++] = (uint)col;
    }
}
