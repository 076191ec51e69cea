/* Ceilings: what the device does at best. Each kernel writes a value that depends on all its work,
 * where a test that never holds decides, so that no compiler drops it. */

/* Reads `count` float4 as a strided sweep: neighbouring work-items read neighbouring vectors. */
kernel void probe_read(const global float4 *from, global float *to, ulong count) {
    float4 a = 0, b = 0, c = 0, d = 0;
    size_t step = get_global_size(0), i = get_global_id(0);
#ifdef BLOCKED
    /* A work-item walks a range of its own: what a CPU's prefetcher follows. */
    size_t share = count / step, end = (i + 1) * share;
    for (i = i * share; i + 4 <= end; i += 4) {
        a += from[i];
        b += from[i + 1];
        c += from[i + 2];
        d += from[i + 3];
    }
#else
    for (; i + 3 * step < count; i += 4 * step) {
        a += from[i];
        b += from[i + step];
        c += from[i + 2 * step];
        d += from[i + 3 * step];
    }
#endif
    a += b + c + d;
    float v = a.x + a.y + a.z + a.w;
    if (v == 12345.0f) to[0] = v;
}

/* 2 * 8 * VEC * rounds float operations a work-item. */
#ifndef VEC
#define VEC 4
#endif
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define VFLOAT CAT(float, VEC)
kernel void probe_fma(global float *to, float seed, int rounds) {
    VFLOAT a = seed, m = 0.999f + seed * 1e-9f, s[8];
    for (int i = 0; i < 8; i++) s[i] = a + (float)i;
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < 8; i++) s[i] = fma(s[i], m, a);
    a = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
    float v[VEC], sum = 0;
    CAT(vstore, VEC)(a, 0, v);
    for (int i = 0; i < VEC; i++) sum += v[i];
    if (sum == 12345.0f) to[0] = sum;
}

kernel void probe_nothing(global float *to, int never) {
    if (never) to[0] = 1;
}
