/* The module's table, with faults in rows on request:
 *
 *   TARE_EMU_BREAKS=ROW[:M[:N]]   the row's kernel breaks the context: its run returns as if all
 * were well, and the next call that waits for it fails, as all later do TARE_EMU_WRONG=ROW[:M[:N]]
 * y comes out as zeros TARE_EMU_HANGS=ROW[:M[:N]]    the row never comes back
 *
 * of problems of M rows of x and more (1), from the N-th run of them on (1). Runs that are recorded
 * do not count: how many there are goes by how fast the machine is. What they are recorded with
 * goes by the runs before them, and holds for each replay.
 *
 *   TARE_EMU_PROBES=none  ceilings are not measured, which takes seconds and says nothing here */
#include "cuda/cu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const tare_backend cu_backend;
tare_backend emu_backend;
void tare_emu_submit(void *stream, void (*work)(const void *), const void *ctx, size_t bytes);
void tare_emu_break(void);

enum { ROWS_MAX = 128 };

typedef struct fault {
    const char *variable;
    void (*work)(const void *y);
    char row[64];
    long m, from, seen;
    tare_status (*run)(const tare_run_args *a); /* the row's own */
    tare_kernel spoilt;
} fault;

typedef struct zeros {
    void *y;
    size_t bytes;
} zeros;

static void breaks(const void *z) {
    (void)z;
    tare_emu_break();
}

static void wrong(const void *z) {
    const zeros *y = z;
    memset(y->y, 0, y->bytes);
}

static void hangs(const void *z) {
    (void)z;
    for (;;) pause();
}

static fault faults[] = {{.variable = "TARE_EMU_BREAKS", .work = breaks},
                         {.variable = "TARE_EMU_WRONG", .work = wrong},
                         {.variable = "TARE_EMU_HANGS", .work = hangs}};
enum { FAULTS = sizeof faults / sizeof *faults };

static tare_status run(fault *f, const tare_run_args *a) {
    const tare_problem *p = a->problem;
    const cu_stream *stream = a->stream;
    tare_status s = f->run(a);
    if (s != TARE_OK || p->m < f->m) return s;
    if (!stream->capturing) f->seen++;
    if (f->seen < f->from) return s;
    zeros z = {a->y, (size_t)(a->m * p->n) * tare_type_bytes(p->y)};
    tare_emu_submit(stream->stream, f->work, &z, sizeof z);
    return TARE_OK;
}

static tare_status run_breaks(const tare_run_args *a) {
    return run(&faults[0], a);
}
static tare_status run_wrong(const tare_run_args *a) {
    return run(&faults[1], a);
}
static tare_status run_hangs(const tare_run_args *a) {
    return run(&faults[2], a);
}

static int plant(fault *f, const tare_kernel **row) {
    static tare_status (*const runs[FAULTS])(const tare_run_args *) = {run_breaks, run_wrong,
                                                                       run_hangs};
    if (strcmp((*row)->name, f->row) != 0) return 0;
    f->run = (*row)->run;
    f->spoilt = **row;
    f->spoilt.run = runs[f - faults];
    *row = &f->spoilt;
    return 1;
}

/* A fault in a row that there is not would be a test that sees nothing. */
__attribute__((constructor)) static void make_table(void) {
    static const tare_kernel *rows[ROWS_MAX];
    static tare_backend_ops ops;
    const char *probes = getenv("TARE_EMU_PROBES");
    int count = 0;
    while (cu_backend.rows[count] && count + 1 < ROWS_MAX) {
        rows[count] = cu_backend.rows[count];
        count++;
    }
    emu_backend = cu_backend;
    emu_backend.rows = rows;
    emu_backend.ops = &ops;
    ops = *cu_backend.ops;
    if (probes && strcmp(probes, "none") == 0) ops.probe = NULL;
    for (int i = 0; i < FAULTS; i++) {
        fault *f = &faults[i];
        const char *env = getenv(f->variable);
        int planted = 0;
        if (!env || !*env) continue;
        f->m = f->from = 1;
        (void)sscanf(env, "%63[^:]:%ld:%ld", f->row, &f->m, &f->from);
        for (int r = 0; r < count; r++) planted |= plant(f, &rows[r]);
        if (planted) continue;
        fprintf(stderr, "%s: the emulator has no row '%s'\n", f->variable, f->row);
        abort();
    }
}
