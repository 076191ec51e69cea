/* The OpenMP runtime that an opened library calls, and how many threads it would really give.
 *
 * tare itself uses no OpenMP. Libraries that do share out their work by the count they ask for and
 * give wrong sums, or wait for ever, where the team is smaller than that: under OMP_THREAD_LIMIT or
 * OMP_MAX_ACTIVE_LEVELS, within a parallel region of the host's, or where no thread can be started,
 * which libgomp answers by ending the process. So a call is made with as many threads as are
 * granted then, and never with more. */
#ifndef TARE_CPU_LIB_OPENMP_H
#define TARE_CPU_LIB_OPENMP_H

#include <stddef.h>

typedef struct openmp {
    int (*get_max_threads)(void);
    void (*set_num_threads)(int);
    int (*get_thread_limit)(void);
    int (*get_dynamic)(void);
    void (*set_dynamic)(int);
    int (*get_max_active_levels)(void);
    int (*get_active_level)(void);
} openmp;

/* Before a library that may bring one is opened: remembers whether there was one already, which in
 * a forked child may have lost its threads. */
void openmp_look(void);

/* The runtime that the library behind `handle` calls. 0: it can't be told, or lacks a function. */
int openmp_find(openmp *o, void *handle);

/* How many threads, 1..wanted, a parallel region would have that openmp_call() began now. */
int openmp_granted(const openmp *o, int wanted);

/* Calls fn(ctx), whose regions get `threads` threads, which were granted. In a forked child that is
 * done on a thread of its own, since runtimes keep their threads by the one that began with them.
 * 0: no such thread was to be had, and fn was not called. */
int openmp_call(const openmp *o, int threads, void (*fn)(void *ctx), void *ctx);

typedef struct openmp_before {
    int threads, dynamic;
} openmp_before;

/* The same count for the calling thread until it leaves; for calls that ask for it and begin no
 * region. */
openmp_before openmp_enter(const openmp *o, int threads);
void openmp_leave(const openmp *o, openmp_before before);

/* How many threads, 1..wanted, the caller included, can be there at once: tried, not computed. */
int openmp_startable(int wanted);

#endif
