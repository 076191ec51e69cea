/* The floating-point environment at the library's doors.
 *
 * Formats, the quantisation of x and the sums of rows are defined in the default environment: round
 * to nearest even, subnormals kept, no traps. A caller may live in another one (a rounding mode,
 * FTZ and DAZ as -ffast-math links them in, feenableexcept), and an encoding made there would be
 * other bytes. So each public call that computes begins with TARE_FP_DEFAULT, which sets the
 * default and gives the caller's back on return.
 *
 * A thread inherits the environment of the one that makes it. Threads of ours call tare_fp_enter
 * when they start; where a host lends its threads, each piece of work begins with TARE_FP_DEFAULT.
 *
 * Sticky exception flags: those that the library's arithmetic raises stay raised where the caller
 * was in the default environment, and are forgotten where its own is given back. */
#ifndef TARE_FPENV_H
#define TARE_FPENV_H

#include <stdint.h>

#if defined(__x86_64__)

/* SSE's control and status. The flags are its low six bits. What x87 is set to does not matter:
 * nothing here computes with long double. */
typedef struct tare_fp {
    uint32_t saved;
    int changed;
} tare_fp;

enum { TARE_FP_MXCSR = 0x1f80, TARE_FP_FLAGS = 0x3f };

/* Memory clobbers: what is loaded and stored between the two stays between them. */
static inline void tare_fp_set(uint32_t v) {
    __asm__ volatile("ldmxcsr %0" : : "m"(v) : "memory");
}

static inline tare_fp tare_fp_enter(void) {
    uint32_t now;
    __asm__ volatile("stmxcsr %0" : "=m"(now) : : "memory");
    tare_fp e = {now, (now & ~(uint32_t)TARE_FP_FLAGS) != TARE_FP_MXCSR};
    if (e.changed) tare_fp_set(TARE_FP_MXCSR);
    return e;
}

static inline void tare_fp_leave(const tare_fp *e) {
    if (e->changed) tare_fp_set(e->saved);
}

#elif defined(__aarch64__)

typedef struct tare_fp {
    uint64_t saved;
} tare_fp;

static inline void tare_fp_set(uint64_t v) {
    __asm__ volatile("msr fpcr, %0\n\tisb" : : "r"(v) : "memory");
}

/* FPCR holds no flags, and is 0 by default. */
static inline tare_fp tare_fp_enter(void) {
    tare_fp e;
    __asm__ volatile("mrs %0, fpcr" : "=r"(e.saved) : : "memory");
    if (e.saved) tare_fp_set(0);
    return e;
}

static inline void tare_fp_leave(const tare_fp *e) {
    if (e->saved) tare_fp_set(e->saved);
}

#else

#include <fenv.h>

typedef struct tare_fp {
    fenv_t saved;
} tare_fp;

static inline tare_fp tare_fp_enter(void) {
    tare_fp e;
    fegetenv(&e.saved);
    fesetenv(FE_DFL_ENV);
    return e;
}

static inline void tare_fp_leave(const tare_fp *e) {
    fesetenv(&e->saved);
}

#endif

/* Until the end of the block. */
#define TARE_FP_DEFAULT                                                                            \
    __attribute__((cleanup(tare_fp_leave), unused)) const tare_fp fp_of_caller_ = tare_fp_enter()

#endif
