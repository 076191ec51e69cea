/* What a packed W stands for, as n * k floats: scale (q - zero), the nearest float, as
 * tare_decode_row gives it: the product of a float and a small integer is exact before it is rounded.
 * `out` is zero on entry where the layout is sparse. */
#pragma OPENCL FP_CONTRACT OFF

#define TYPE_I8 4
#define TYPE_I4 5

/* Stored value i of those at `at` (bytes), scaled. */
inline float value_at(const global uint *blob, ulong at, size_t i, int value, float scale) {
    const global uchar *from = (const global uchar *)blob + at;
    if (value == TYPE_I8) return scale * (float)((const global char *)from)[i];
    return load_as_float(from, value, i);
}

kernel void panel_floats(const global uint *blob, global float *out, ulong scales_at,
                         ulong zeros_at, int value, int wide, int n, int k, int words, int groups,
                         int group_words) {
    const int j = get_global_id(0), row = get_global_id(1);
    if (j >= words || row >= n) return;
    const int bits = value == TYPE_F32 ? 32 : value == TYPE_I8 ? 8 : value == TYPE_I4 ? 4 : 16;
    const int per = 32 / bits, first = j * per;
    const uint word = blob[((size_t)(row / 16) * words + j) * 16 + row % 16];
    const int g = group_words ? j / group_words : 0;
    const size_t head = ((size_t)(row / 16) * groups + g) * 16 + row % 16;
    const int whole = value == TYPE_I8 || value == TYPE_I4;
    const float scale = whole ? ((const global float *)blob)[scales_at + head] : 1.0f;
    const int zero = wide                ? ((const global char *)blob)[zeros_at + head]
                     : value == TYPE_I4 ? 8
                                        : 0;
    for (int i = 0; i < per && first + i < k; i++) {
        const uint u = value == TYPE_F32 ? word : word >> (bits * i);
        float v;
        if (value == TYPE_F32)
            v = as_float(u);
        else if (value == TYPE_BF16)
            v = bf16_to_float((ushort)u);
        else if (value == TYPE_I8)
            v = scale * (float)((int)(char)u - zero);
        else if (value == TYPE_I4)
            v = scale * (float)((int)(u & 15u) - zero);
        else {
            const ushort h = (ushort)u;
            v = vload_half(0, (const half *)&h);
        }
        out[(size_t)row * k + first + i] = v;
    }
}

kernel void nm_floats(const global uint *blob, global float *out, ulong scales_at, ulong values_at,
                      int value, int n, int k, int nm_n, int nm_m, int bits, int row_words) {
    const int g = get_global_id(0), row = get_global_id(1);
    const int groups = (k + nm_m - 1) / nm_m, per = 32 / bits;
    if (g >= groups || row >= n) return;
    const float scale = value == TYPE_I8 ? ((const global float *)blob)[scales_at + row] : 1.0f;
    for (int i = 0; i < nm_n; i++) {
        const int at = g * nm_n + i;
        const uint word = blob[(size_t)row * row_words + at / per];
        const int col = g * nm_m + (int)(word >> (at % per * bits) & ((1u << bits) - 1u));
        const float v =
            value_at(blob, values_at, (size_t)row * groups * nm_n + at, value, scale);
        /* Places past k hold 0 at any column. */
        if (as_uint(v) << 1) out[(size_t)row * k + col] = v;
    }
}

/* cols: bytes of a column, 0 for bits. */
kernel void row_floats(const global uint *blob, global float *out, ulong index_at, ulong scales_at,
                       ulong values_at, int value, int n, int k, int cols) {
    const int row = get_global_id(0);
    if (row >= n) return;
    const float scale = value == TYPE_I8 ? ((const global float *)blob)[scales_at + row] : 1.0f;
    const global uint *index = blob + index_at;
    global float *to = out + (size_t)row * k;
    if (cols == 0) {
        size_t at = blob[row];
        for (int j = 0; j < k; j++)
            if (index[(size_t)row * ((k + 31) / 32) + j / 32] >> j % 32 & 1u)
                to[j] = value_at(blob, values_at, at++, value, scale);
        return;
    }
    for (uint at = blob[row]; at < blob[row + 1]; at++)
        to[cols == 2 ? ((const global ushort *)index)[at] : index[at]] =
            value_at(blob, values_at, at, value, scale);
}

kernel void block_floats(const global uint *blob, global float *out, ulong index_at,
                         ulong values_at, int n, int k, int r, int c, int r_pad) {
    const int line = get_global_id(0);
    if (line >= (n + r - 1) / r) return;
    for (uint b = blob[line]; b < blob[line + 1]; b++) {
        const global float *v = (const global float *)blob + values_at + (size_t)b * c * r_pad;
        const int col = blob[index_at + b] * c;
        for (int i = 0; i < r && line * r + i < n; i++)
            for (int j = 0; j < c && col + j < k; j++)
                out[(size_t)(line * r + i) * k + col + j] = v[j * r_pad + i];
    }
}
