/* Rows that accepted a problem by its numbers and declined it once they met the device: a vendor's
 * library that has no algorithm for the shape, say. The reason is kept for the process, so that the
 * next plan takes the next row, and says why. */
#include "internal.h"
#include "memos.h"

#include <stdio.h>
#include <string.h>

enum { MEMORY = 256 };

typedef struct memo {
    const tare_device *device;
    const char *kernel;
    tare_problem problem;
    char why[160];
} memo;

static memo memos[MEMORY];
static int count, next;

static const memo *find(const tare_device *d, const tare_problem *p, const char *kernel) {
    for (int i = 0; i < count; i++)
        if (memos[i].device == d && strcmp(memos[i].kernel, kernel) == 0 &&
            tare_same_problem(&memos[i].problem, p))
            return &memos[i];
    return NULL;
}

int tare_declined(const tare_device *d, const tare_problem *p, const char *kernel, char why[160]) {
    memos_lock();
    const memo *m = find(d, p, kernel);
    if (m) snprintf(why, 160, "%s", m->why);
    memos_unlock();
    return m != NULL;
}

tare_status tare_decline(const tare_plan *plan, tare_status s) {
    if (s != TARE_E_UNSUPPORTED) return s;
    memos_lock();
    if (!find(plan->device, &plan->problem, plan->kernel)) {
        memo *m = &memos[next];
        *m = (memo){.device = plan->device, .kernel = plan->kernel, .problem = plan->problem};
        snprintf(m->why, sizeof m->why, "declined here: %.140s", tare_last_error());
        next = (next + 1) % MEMORY;
        if (count < MEMORY) count++;
    }
    memos_unlock();
    return s;
}

void tare_declined_forget(void) {
    memos_lock();
    count = next = 0;
    memos_unlock();
}
