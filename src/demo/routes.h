/* The routes of the demo: what is pruned, and how what is left may be stored. */
#ifndef TARE_DEMO_ROUTES_H
#define TARE_DEMO_ROUTES_H

#include "src/compress/quantize.h"
#include "src/data/fashion.h"

enum { ROUTE_CODINGS = 4 };

typedef enum route_prune { KEEP_ALL, PRUNE_NM, PRUNE_MAGNITUDE, PRUNE_NEURONS } route_prune;

typedef struct route {
    const char *name; /* also the file's */
    const char *what; /* one line for the report */
    route_prune prune;
    double amount;                /* share that goes */
    float rate;                   /* of fine-tuning, at its start */
    coding coding[ROUTE_CODINGS]; /* candidates: the fastest is taken; ends with a null scheme */
    int dense_float;              /* f32 and bf16: what every other route is held against */
} route;

extern const route demo_routes[]; /* ends with a null name; f32 first */
int demo_route_count(void);

/* Prunes `base` and fine-tunes under the mask; a copy of base where nothing is pruned. */
tare_status route_prune_and_tune(const route *r, const mlp *base, gemm *g, const dataset *train,
                                 uint64_t seed, int epochs,
                                 int (*progress)(void *ctx, double done, double loss), void *ctx,
                                 mlp *out, double *loss);

#endif
