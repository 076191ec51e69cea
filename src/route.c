/* route: the cheapest plan over several devices, moving x and y counted. Nothing falls back
 * silently: the plan that comes out names its device and kernel, and a device that refuses only
 * drops out when another accepts. Where all refuse, each says why. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

/* Adds the last error to what others said; the room is shared, so that the last one is heard. */
static void hear(char *said, size_t size, int devices) {
    size_t at = strlen(said), share = size / (size_t)(devices > 4 ? 4 : devices);
    if (at + 4 < size)
        snprintf(said + at, size - at, "%s%.*s", at ? " | " : "", (int)share - 4,
                 tare_last_error());
}

tare_status tare_route(const tare_problem *p, tare_device *const *devices, int count,
                       const tare_plan_options *o, tare_plan *out) {
    if (!out) TARE_FAIL(TARE_E_ARG, "route: null argument");
    memset(out, 0, sizeof *out);
    TARE_TRY(tare_problem_check(p));
    int all = !devices || count <= 0, n = all ? tare_device_count() : count, found = 0;
    tare_status last = TARE_E_NODEVICE;
    char said[500] = "";
    if (n == 0) TARE_FAIL(TARE_E_NODEVICE, "route: no devices");
    for (int i = 0; i < n; i++) {
        tare_plan one;
        tare_status s = tare_plan_make(all ? tare_device_get(i) : devices[i], p, o, &one);
        if (s != TARE_OK) {
            last = s;
            hear(said, sizeof said, n);
            continue;
        }
        /* The reference on one device gives way to a real kernel on another. */
        int ref = (one.row->flags & TARE_ROW_REFERENCE) != 0;
        int best_ref = found && (out->row->flags & TARE_ROW_REFERENCE) != 0;
        double cost = one.cost_ns + one.transfer_ns, best = out->cost_ns + out->transfer_ns;
        if (!found || (best_ref && !ref) || (ref == best_ref && cost < best)) *out = one;
        found = 1;
    }
    return found ? TARE_OK : tare_fail(last, "%s", said);
}
