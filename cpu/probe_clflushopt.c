/* Putting lines out of all caches without waiting for each. */
#include "cpu/probe.h"

#include <immintrin.h>

void probe_flush_clflushopt(const void *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) _mm_clflushopt((void *)((uintptr_t)p + i));
    _mm_mfence();
}
