/* Environment that libraries read once, when they are loaded: the tool sets it and starts itself
 * again. What the user has set stands.
 *
 * GOMP_SPINCOUNT     how long a waiting OpenMP thread spins before it sleeps. libgomp's default is
 *                    300,000 pauses, some 20 ms on recent Intel cores; where something else wants
 *                    the CPUs too, each barrier then burns that long while the thread it waits for
 *                    is off the CPU, and training takes ten times as long. 3000 pauses, some
 *                    0.2 ms, still bridge the gaps between two kernels.
 * OPENBLAS_CORETYPE  the kernels of OpenBLAS, where its release does not know the processor and
 *                    would take SSE ones: a dense row at a sixth of its speed is no baseline. */
#include "src/cli/cli.h"

#include "cpu/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set(const char *name, const char *value) {
    return !getenv(name) && setenv(name, value, 1) == 0;
}

void cli_restart(const char *verb, char **argv) {
    static const char *const run_kernels[] = {"bench", "breakeven", "demo", "devices", "explain"};
    const char *core = cpu_openblas_core();
    int again = 0, runs = 0;
    for (size_t i = 0; i < sizeof run_kernels / sizeof *run_kernels; i++)
        runs |= strcmp(verb, run_kernels[i]) == 0;
    if (runs && core) again |= set("OPENBLAS_CORETYPE", core);
    if (strcmp(verb, "demo") == 0 && !getenv("OMP_WAIT_POLICY"))
        again |= set("GOMP_SPINCOUNT", "3000");
    if (again) execv("/proc/self/exe", argv); /* comes back only where it can't: then as it is */
}
