/* Ceilings of this machine, measured: what rows are compared with. */
#include "cpu/cpu.h"

tare_status cpu_probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    (void)state, (void)seconds, (void)rate;
    TARE_FAIL(TARE_E_UNSUPPORTED, "cpu: probe %d is not offered", (int)what);
}
