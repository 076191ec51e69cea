#include "bench/plant.h"

#include <math.h>
#include <string.h>

static const double slower = 1.1, wander = 0.5;

int bench_plant_find(const char *name) {
    static const char *const names[] = {"none", "slow", "noise"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

void bench_plant_make(bench_planted *p, enum bench_plant fault, int twin, uint64_t seed) {
    memset(p, 0, sizeof *p);
    p->fault = fault;
    p->twin = twin;
    bench_rng_seed(&p->rng, seed, 0x706c616e74);
}

/* Levels that hold for 4 and for 32 samples add up: as many as time allows do not settle it. Levels
 * that hold as long as a measurement would be a difference, not noise. */
static double noise(bench_planted *p) {
    double sum = 0;
    long length = 4;
    for (int i = 0; i < BENCH_PLANT_SCALES; i++, length *= 8) {
        if (p->count % length == 0) p->level[i] = wander * bench_rng_normal(&p->rng);
        sum += p->level[i];
    }
    p->count++;
    return exp(sum);
}

double bench_plant_seen(void *planted, double ns) {
    bench_planted *p = planted;
    if (p->fault == BENCH_PLANT_SLOW) return p->twin ? slower * ns : ns;
    return p->fault == BENCH_PLANT_NOISE ? ns * noise(p) : ns;
}
