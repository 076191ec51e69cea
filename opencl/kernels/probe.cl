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

/* 2 * 12 * VEC * rounds float operations a work-item: twelve sums that do not wait for one another,
 * each by name, since an array of them stays in memory on some devices. */
#ifndef VEC
#define VEC 4
#endif
/* A device without the instruction computes fma by integers, a hundred times as long. */
#ifdef NO_FMA
#define FMA(a, b, c) ((a) * (b) + (c))
#else
#define FMA(a, b, c) fma(a, b, c)
#endif
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define VFLOAT CAT(float, VEC)
kernel void probe_fma(global float *to, float seed, int rounds) {
    VFLOAT a = seed, m = 0.999f + seed * 1e-9f;
    VFLOAT s0 = a, s1 = a + 1, s2 = a + 2, s3 = a + 3, s4 = a + 4, s5 = a + 5;
    VFLOAT s6 = a + 6, s7 = a + 7, s8 = a + 8, s9 = a + 9, s10 = a + 10, s11 = a + 11;
    for (int r = 0; r < rounds; r++) {
        s0 = FMA(s0, m, a), s1 = FMA(s1, m, a), s2 = FMA(s2, m, a), s3 = FMA(s3, m, a);
        s4 = FMA(s4, m, a), s5 = FMA(s5, m, a), s6 = FMA(s6, m, a), s7 = FMA(s7, m, a);
        s8 = FMA(s8, m, a), s9 = FMA(s9, m, a), s10 = FMA(s10, m, a), s11 = FMA(s11, m, a);
    }
    a = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;
    float v[VEC], sum = 0;
    CAT(vstore, VEC)(a, 0, v);
    for (int i = 0; i < VEC; i++) sum += v[i];
    if (sum == 12345.0f) to[0] = sum;
}

kernel void probe_nothing(global float *to, int never) {
    if (never) to[0] = 1;
}
