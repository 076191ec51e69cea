/* How long a waiting OpenMP thread spins before it sleeps. libgomp's default is 300,000 pauses,
 * some 20 ms on recent Intel cores; where something else wants the CPUs too, each barrier then
 * burns that long while the thread it waits for is off the CPU, and training takes ten times as
 * long. 3000 pauses, some 0.2 ms, still bridge the gaps between two kernels. libgomp reads the
 * environment once, when it is loaded, so the tool sets it and starts itself again. */
#include "src/cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

void cli_short_spin(char **argv) {
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return; /* the user's word, or done */
    if (setenv("GOMP_SPINCOUNT", "3000", 1) != 0) return;
    execv("/proc/self/exe", argv); /* comes back only where it can't: then it spins longer */
}
