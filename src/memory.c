/* Aligned allocation with a switch that makes the n-th one fail. */
#include "internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_long fail_in; /* allocations until the one that fails; 0: off */
static atomic_long live;    /* blocks that were given and not taken back */

long tare_alloc_live(void) {
    return atomic_load(&live);
}

void tare_alloc_fail_at(long n) {
    atomic_store(&fail_in, n);
}

static int must_fail(void) {
    if (atomic_load_explicit(&fail_in, memory_order_relaxed) == 0) return 0;
    return atomic_fetch_sub(&fail_in, 1) == 1;
}

void *tare_alloc(size_t bytes) {
    void *p;
    if (bytes > SIZE_MAX - 64 || must_fail()) return NULL;
    /* Large blocks start on a huge-page boundary and ask for huge pages (most systems give them
     * only when asked): streaming then misses the TLB less. A refusal costs nothing. */
    int large = bytes >= ((size_t)4 << 20);
    if (posix_memalign(&p, large ? (size_t)2 << 20 : 64, bytes ? bytes : 1) != 0) return NULL;
    if (large) (void)madvise(p, bytes, MADV_HUGEPAGE);
    atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

void *tare_alloc_zeroed(size_t bytes) {
    void *p = tare_alloc(bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void tare_free(void *p) {
    if (p) atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(p);
}

int tare_mul_size(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}
int tare_add_size(size_t a, size_t b, size_t *out) {
    return !__builtin_add_overflow(a, b, out);
}
