/* The one thread knob for libraries that ask OpenMP how many threads there are: set for the calling
 * thread around a call, put back after it. Without OpenMP on our side the libraries keep their own
 * counsel (OMP_NUM_THREADS). */
#ifndef TARE_CPU_OMP_THREADS_H
#define TARE_CPU_OMP_THREADS_H

#ifdef _OPENMP
#include <omp.h>
static inline int omp_threads_enter(int threads) {
    int before = omp_get_max_threads();
    if (before != threads) omp_set_num_threads(threads);
    return before;
}
static inline void omp_threads_leave(int before, int threads) {
    if (before != threads) omp_set_num_threads(before);
}
#else
static inline int omp_threads_enter(int threads) {
    return threads;
}
static inline void omp_threads_leave(int before, int threads) {
    (void)before, (void)threads;
}
#endif

#endif
