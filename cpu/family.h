/* What differs by processor family. A family is one file, family_NAME.c, and the build takes the
 * one of the processor it compiles for (cpu/isa.cmake): x86 where that is x86-64, else portable,
 * which has nothing beyond what the compiler makes of C. Rows of a family's instructions stand in
 * files of their suffix and in cpu/rows.c; all other files know no instruction set by name. */
#ifndef TARE_CPU_FAMILY_H
#define TARE_CPU_FAMILY_H

#include "cpu/probe.h"
#include "cpu/xquant.h"

typedef struct cpu_feature {
    const char *name;
    uint64_t whole; /* its bit, with those of all that it stands on */
} cpu_feature;

/* The widest loops of each kind that some features allow. */
typedef struct cpu_loops {
    const probe_math *f32, *i8, *bf16; /* bf16: null without dot products of it */
    probe_read *read;
} cpu_loops;

typedef struct cpu_family {
    const cpu_feature *features;       /* by bit, up to one without a name */
    uint64_t (*detect)(void);          /* what the processor at hand has */
    int (*f32_ops)(uint64_t features); /* cpu_f32_ops() */
    double (*i8_rate)(uint64_t features), (*bf16_rate)(uint64_t features); /* of the f32 rate */
    cpu_loops (*loops)(uint64_t features);
    probe_flush *(*flush)(void); /* null: the processor lets nobody, or it was never tried */
    xquant_rows *(*xquant)(uint64_t features); /* the fastest to 8-bit codes */
    const char *mask_error;                    /* what TARE_CPU_MASK may be */
    const char *const *name;                   /* lines of /proc/cpuinfo that name it, then null */
} cpu_family;

extern const cpu_family cpu_family_here;

#endif
