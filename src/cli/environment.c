/* What the libraries of vendor rows read from the environment once, when they are opened. A library
 * must not set it behind its host's back; the tool may, before anything is opened. What the user
 * has set stands.
 *
 * GOMP_SPINCOUNT     how long a thread of OpenMP's spins before it sleeps. libgomp's default is
 *                    300,000 pauses, some 20 ms on recent Intel cores: after each run of a vendor's
 *                    row its threads would keep the cores from ours, which run next. 3000 pauses,
 *                    some 0.2 ms, still bridge the gaps between two runs. libomp has KMP_BLOCKTIME.
 * OPENBLAS_CORETYPE  the kernels of OpenBLAS, where its release does not know the processor and
 *                    would take SSE ones: a dense row at a sixth of its speed is no baseline. */
#include "src/cli/cli.h"

#include "cpu/lib/openblas.h"

#include <stdlib.h>
#include <string.h>

void cli_environment(const char *verb) {
    static const char *const run_kernels[] = {"bench",   "breakeven", "demo",
                                              "devices", "explain",   "zero"};
    int runs = 0;
    for (size_t i = 0; i < sizeof run_kernels / sizeof *run_kernels; i++)
        runs |= strcmp(verb, run_kernels[i]) == 0;
    if (!runs) return;
    if (!getenv("OMP_WAIT_POLICY")) {
        setenv("GOMP_SPINCOUNT", "3000", 0);
        setenv("KMP_BLOCKTIME", "1", 0);
    }
    if (getenv("OPENBLAS_CORETYPE")) return;
    const char *core = openblas_core_wanted();
    if (core) setenv("OPENBLAS_CORETYPE", core, 1);
}
