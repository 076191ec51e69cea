/* The thread knob. */
#include "src/cpus.h"
#include "src/parallel.h"
#include "src/parse.h"

#include <stdatomic.h>

static atomic_int threads_set;

static int default_threads(void) {
    int n = tare_threads_asked(); /* what is no number keeps the CPU's device from opening */
    if (n <= 0) n = tare_cpus();
    return n > PARALLEL_MAX ? PARALLEL_MAX : n;
}

void tare_set_threads(int n) {
    atomic_store(&threads_set, n > PARALLEL_MAX ? PARALLEL_MAX : n);
}

int tare_threads(void) {
    int n = atomic_load_explicit(&threads_set, memory_order_relaxed);
    if (n > 0) return n;
    int before = n;
    n = default_threads();
    if (atomic_compare_exchange_strong(&threads_set, &before, n)) return n;
    return before > 0 ? before : n; /* set meanwhile */
}
