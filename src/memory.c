/* Aligned allocation with a switch that makes the n-th one fail. */
#include "internal.h"

#include "arena.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Under a tool that watches blocks of malloc, all blocks are such, so that it sees an overflow: the
 * sanitizers say so themselves; for valgrind build with -DTARE_PLAIN_MALLOC. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define TARE_PLAIN_MALLOC
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define TARE_PLAIN_MALLOC
#endif
#ifdef TARE_PLAIN_MALLOC
enum { ARENAS = 0 };
#else
enum { ARENAS = 1 };
#endif

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

/* Data lies in arenas, small things where malloc puts them; so does data where no mapping is to be
 * had any more, on pages of whatever size. */
static void *block(size_t bytes) {
    void *p = ARENAS && bytes >= ARENA_LEAST ? arena_alloc(bytes) : NULL;
    if (p) return p;
    return posix_memalign(&p, 64, bytes ? bytes : 1) == 0 ? p : NULL;
}

void *tare_alloc(size_t bytes) {
    if (bytes > SIZE_MAX - 64 || must_fail()) return NULL;
    void *p = block(bytes);
    if (p) atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

void *tare_alloc_zeroed(size_t bytes) {
    void *p = tare_alloc(bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void tare_free(void *p) {
    if (!p) return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    if (!ARENAS || !arena_free(p)) free(p);
}

int tare_mul_size(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}
int tare_add_size(size_t a, size_t b, size_t *out) {
    return !__builtin_add_overflow(a, b, out);
}
