/* Which way of cuSPARSE's is the fastest for a problem: each is run on the weights at hand, a few
 * times, and the answer kept for later weights of the same problem.
 *
 * x is a constant that is not zero, since zeros run faster than data. A way that the library
 * refuses drops out; where all do, the refusal is the answer. */
#include "cuda/spmm.h"

enum { KNOWN = 256, TIMES = 3 };

typedef struct known {
    const cu_device *device; /* null: nothing yet */
    tare_problem problem;
    int64_t width;
    int best;
    size_t room;
} known;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static known table[KNOWN]; /* a ring */
static int next;

static int same(const known *e, const cu_device *d, const tare_problem *p) {
    return e->device == d && tare_same_problem(&e->problem, p);
}

int cu_spmm_room_known(const cu_device *d, const tare_problem *p, size_t *room) {
    int found = 0;
    *room = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < KNOWN; i++)
        if (same(&table[i], d, p)) {
            found = 1;
            if (table[i].room > *room) *room = table[i].room;
        }
    pthread_mutex_unlock(&lock);
    return found;
}

static int recall(const cu_device *d, const tare_problem *p, int64_t width, int *best) {
    int found = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < KNOWN && !found; i++)
        if (same(&table[i], d, p) && table[i].width == width) {
            found = 1;
            *best = table[i].best;
        }
    pthread_mutex_unlock(&lock);
    return found;
}

static void keep(const known *e) {
    pthread_mutex_lock(&lock);
    table[next] = *e;
    next = (next + 1) % KNOWN;
    pthread_mutex_unlock(&lock);
}

/* The least of a few runs, after one that warms up. */
static tare_status time_runs(cu_stream *s, const cu_spmm *o, const cu_spmm_trial *t,
                             cudaEvent_t event[2], float *ms) {
    cu_device *d = s->device;
    *ms = 1e30f;
    for (int i = 0; i <= TIMES; i++) {
        float one = 0;
        TARE_TRY(CU(d, cudaEventRecord(event[0], s->stream)));
        TARE_TRY(cu_spmm_multiply(s, o, 1, o->m, t->b, t->c));
        TARE_TRY(CU(d, cudaEventRecord(event[1], s->stream)));
        TARE_TRY(CU(d, cudaStreamSynchronize(s->stream)));
        TARE_TRY(CU(d, cudaEventElapsedTime(&one, event[0], event[1])));
        if (i > 0 && one < *ms) *ms = one;
    }
    return TARE_OK;
}

static tare_status try_one(cu_stream *s, tare_type c, int64_t m, const cu_spmm_form *f,
                           const cu_spmm_trial *t, cudaEvent_t event[2], float *ms, size_t *room) {
    cu_spmm *o;
    TARE_TRY(cu_spmm_make(s, f, c, m, t, &o));
    tare_status st = cu_stream_room(s, o->room);
    if (st == TARE_OK) st = time_runs(s, o, t, event, ms);
    if (o->room > *room) *room = o->room;
    cu_spmm_destroy(s->device, o);
    return st;
}

static tare_status try_all(cu_stream *s, const tare_problem *p, tare_type c,
                           const cu_spmm_form *forms, int count, const cu_spmm_trial *t,
                           cudaEvent_t event[2], known *e) {
    float least = 0, ms;
    tare_status refused = TARE_OK;
    for (int i = 0; i < count; i++) {
        tare_status st = try_one(s, c, p->m, &forms[i], t, event, &ms, &e->room);
        if (st == TARE_E_UNSUPPORTED) {
            refused = st;
            continue;
        }
        TARE_TRY(st);
        if (e->best < 0 || ms < least) {
            e->best = i;
            least = ms;
        }
    }
    return e->best < 0 ? refused : TARE_OK;
}

tare_status cu_spmm_choose(cu_stream *s, const tare_problem *p, tare_type c,
                           const cu_spmm_form *forms, int count, const cu_spmm_trial *t,
                           int *best) {
    cu_device *d = s->device;
    known e = {.device = d, .problem = *p, .best = -1};
    for (int i = 0; i < count; i++)
        if (forms[i].width > e.width) e.width = forms[i].width;
    if (recall(d, p, e.width, best)) return TARE_OK;
    cudaEvent_t event[2] = {NULL, NULL};
    tare_status st = CU(d, cudaEventCreateWithFlags(&event[0], 0));
    if (st == TARE_OK) st = CU(d, cudaEventCreateWithFlags(&event[1], 0));
    if (st == TARE_OK) st = try_all(s, p, c, forms, count, t, event, &e);
    for (int i = 0; i < 2; i++)
        if (event[i]) (void)cudaEventDestroy(event[i]);
    if (st == TARE_OK) keep(&e);
    *best = e.best;
    return st;
}
