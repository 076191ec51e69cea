/* 2:4 weights by cuSPARSELt: from the dense matrix that was uploaded to the compressed one and the
 * plan of the fastest algorithm, and the end of both. */
#include "cuda/lib/cusparselt.h"
#include "cuda/objects.h"
#include "cuda/small.h"
#include "cuda/splt.h"

void cu_pattern(cu_args a);

enum { A, B, D, CHOICE, PLAN };
enum { VALID = 256 }; /* bytes for the answer to whether W is 2:4 */

/* Under way from one blob to the other. */
typedef struct job {
    const tare_problem *p;
    const cu_splt_kind *kind;
    cu_splt_shape s;
    cu_device *device;
    cu_stream *stream;
    const cusparselt_handle *h;
    cu_splt_object *o;
    char *dense, *out, *spare; /* spare: whether W is 2:4, a buffer of the library's, x, D */
    size_t compressed, buffer, out_bytes;
} job;

/* ---- the library's descriptors ---- */

/* In the order opposite to that of making. Failures leave nothing to do. */
static void destroy(cu_device *d, cu_splt_object *o) {
    if (o->made[PLAN]) (void)CU_SPLT(d, MatmulPlanDestroy(&o->plan));
    if (o->made[CHOICE] && cu_splt_calls.MatmulAlgSelectionDestroy)
        (void)CU_SPLT(d, MatmulAlgSelectionDestroy(&o->choice));
    if (o->made[D]) (void)CU_SPLT(d, MatDescriptorDestroy(&o->d));
    if (o->made[B]) (void)CU_SPLT(d, MatDescriptorDestroy(&o->b));
    if (o->made[A]) (void)CU_SPLT(d, MatDescriptorDestroy(&o->a));
    tare_free(o);
}

static tare_status describe(job *j) {
    cu_splt_object *o = j->o;
    const cu_splt_kind *kind = j->kind;
    TARE_TRY(CU_SPLT(j->device,
                     StructuredDescriptorInit(j->h, &o->a, j->s.n, j->s.k, j->s.k, 16, kind->in,
                                              CUSPARSELT_ROW_MAJOR, CUSPARSELT_HALF_KEPT)));
    o->made[A] = 1;
    TARE_TRY(CU_SPLT(j->device, DenseDescriptorInit(j->h, &o->b, j->s.k, j->s.m, j->s.k, 16,
                                                    kind->in, CUSPARSELT_COLUMN_MAJOR)));
    o->made[B] = 1;
    TARE_TRY(CU_SPLT(j->device, DenseDescriptorInit(j->h, &o->d, j->s.n, j->s.m, j->s.n, 16,
                                                    kind->out, CUSPARSELT_COLUMN_MAJOR)));
    o->made[D] = 1;
    return TARE_OK;
}

static tare_status make_plan(job *j) {
    cu_splt_object *o = j->o;
    const int relu = 1;
    const void *dense = j->dense;
    TARE_TRY(CU_SPLT(j->device, MatmulDescriptorInit(j->h, &o->product, CUSPARSELT_AS_IT_IS,
                                                     CUSPARSELT_AS_IT_IS, &o->a, &o->b, &o->d,
                                                     &o->d, j->kind->sums)));
    if (!j->p->w.scaling && (j->p->flags & TARE_RELU))
        TARE_TRY(CU_SPLT(j->device, MatmulDescSetAttribute(j->h, &o->product, CUSPARSELT_RELU,
                                                           &relu, sizeof relu)));
    TARE_TRY(CU_SPLT(j->device, MatmulAlgSelectionInit(j->h, &o->choice, &o->product,
                                                       CUSPARSELT_DEFAULT_ALGORITHM)));
    o->made[CHOICE] = 1;
    TARE_TRY(CU_SPLT(j->device, MatmulPlanInit(j->h, &o->plan, &o->product, &o->choice)));
    o->made[PLAN] = 1;
    return CU_SPLT(j->device, MatmulDescSetAttribute(j->h, &o->product, CUSPARSELT_SPARSE_POINTER,
                                                     &dense, sizeof dense));
}

/* ---- memory ---- */

static size_t x_bytes(const job *j) {
    return (size_t)(j->s.m * j->s.k * j->kind->in_bytes);
}

static tare_status make_room(job *j) {
    TARE_TRY(
        CU_SPLT(j->device, SpMMACompressedSize(j->h, &j->o->plan, &j->compressed, &j->buffer)));
    size_t scales = j->p->w.scaling ? (size_t)j->p->n * sizeof(float) : 0;
    j->o->scales_at = cu_up256(j->compressed);
    j->out_bytes = scales ? j->o->scales_at + scales : j->compressed;
    if (j->out_bytes > j->s.most)
        TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: cuSPARSELt compresses W to %zu bytes; expected %zu",
                  j->out_bytes, j->s.most);
    TARE_TRY(cu_alloc(j->device, j->out_bytes, (void **)&j->out));
    size_t d = (size_t)(j->s.m * j->s.n * j->kind->out_bytes);
    return cu_alloc(j->device, VALID + cu_up256(j->buffer) + cu_up256(x_bytes(j)) + d,
                    (void **)&j->spare);
}

/* ---- work on the device ---- */

static tare_status check_pattern(job *j) {
    int wrong = -1;
    cudaStream_t s = j->stream->stream;
    TARE_TRY(CU_SPLT(j->device,
                     SpMMAPruneCheck(j->h, &j->o->product, j->dense, (int *)(void *)j->spare, s)));
    TARE_TRY(
        CU(j->device, cudaMemcpyAsync(&wrong, j->spare, sizeof wrong, cudaMemcpyDeviceToHost, s)));
    TARE_TRY(CU(j->device, cudaStreamSynchronize(s)));
    if (wrong) TARE_FAIL(TARE_E_FORMAT, "cuda: cuSPARSELt finds W not 2:4");
    return TARE_OK;
}

static tare_status compress(job *j) {
    size_t scales = j->s.bytes - j->s.dense;
    TARE_TRY(CU_SPLT(j->device, SpMMACompress(j->h, &j->o->plan, j->dense, j->out, j->spare + VALID,
                                              j->stream->stream)));
    if (!scales) return TARE_OK;
    return CU(j->device, cudaMemcpyAsync(j->out + j->o->scales_at, j->dense + j->s.dense, scales,
                                         cudaMemcpyDeviceToDevice, j->stream->stream));
}

/* Zeros draw less power and run faster than what x will be. */
static tare_status fill(job *j, void *x) {
    enum { THREADS = 256, BLOCKS = 1024, PIECE = 16 };
    size_t pieces = x_bytes(j) / PIECE, blocks = (pieces + THREADS - 1) / THREADS;
    cu_args args = {
        .y = x, .at = {(int64_t)pieces}, .i = {(int32_t)j->kind->mask, (int32_t)j->kind->base}};
    cu_grid g = {.x = (unsigned)(blocks < BLOCKS ? blocks : BLOCKS), .threads = THREADS};
    return cu_launch(j->stream, (const void *)cu_pattern, &g, &args);
}

/* Runs each algorithm. No workspace: the size that a plan tells is that of the algorithm it has,
 * not of those that are tried (NVIDIA's own example passes none). */
static tare_status search(job *j) {
    const float one = 1, zero = 0;
    char *x = j->spare + VALID + cu_up256(j->buffer), *d = x + cu_up256(x_bytes(j));
    TARE_TRY(fill(j, x));
    TARE_TRY(CU_SPLT(j->device, MatmulSearch(j->h, &j->o->plan, &one, j->out, x, &zero, d, d, NULL,
                                             &j->stream->stream, 1)));
    TARE_TRY(CU_SPLT(j->device, MatmulGetWorkspace(j->h, &j->o->plan, &j->o->workspace)));
    if (j->o->workspace > CU_SPLT_WORKSPACE)
        TARE_FAIL(
            TARE_E_UNSUPPORTED,
            "cuda: cuSPARSELt's fastest algorithm wants a workspace of %zu bytes; runs have %d",
            j->o->workspace, (int)CU_SPLT_WORKSPACE);
    return CU(j->device, cudaStreamSynchronize(j->stream->stream));
}

static tare_status work(job *j) {
    TARE_TRY(describe(j));
    TARE_TRY(make_plan(j));
    TARE_TRY(make_room(j));
    TARE_TRY(check_pattern(j));
    TARE_TRY(compress(j));
    return search(j);
}

tare_status cu_splt_settle(const tare_problem *p, void *state, void *stream, void **mem,
                           size_t *bytes) {
    job j = {.p = p,
             .kind = cu_splt_kind_of(p->w.value),
             .s = cu_splt_shape_of(p),
             .device = state,
             .stream = stream,
             .dense = *mem};
    TARE_TRY(cu_splt_handle(j.device, &j.h));
    j.o = tare_alloc_zeroed(sizeof *j.o);
    if (!j.o) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory for a plan of cuSPARSELt");
    pthread_mutex_lock(&j.device->lock); /* as in cu_splt_run */
    tare_status s = work(&j);
    pthread_mutex_unlock(&j.device->lock);
    if (s == TARE_OK) s = cu_object_put(j.device, j.out, j.o);
    cu_free(j.device, j.spare);
    if (s != TARE_OK) {
        destroy(j.device, j.o);
        cu_free(j.device, j.out);
        return s;
    }
    *mem = j.out;
    *bytes = j.out_bytes;
    return TARE_OK;
}

void cu_splt_release(void *state, void *blob) {
    cu_device *d = state;
    cu_splt_object *o = cu_object_take(d, blob);
    if (!o) return;
    (void)cu_enter(d);
    pthread_mutex_lock(&d->lock);
    destroy(d, o);
    pthread_mutex_unlock(&d->lock);
}
