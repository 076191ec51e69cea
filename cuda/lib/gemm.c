/* Products by cuBLASLt: descriptors and algorithms, made once and kept. */
#include "cuda/lib/gemm.h"

#include "cuda/lib/gemm_choice.h"

#include <stdlib.h>
#include <string.h>

size_t cu_gemm_scratch(const cu_gemm_spec *spec) {
    (void)spec;
    return CU_GEMM_WORKSPACE;
}

/* ---- what the device keeps ---- */

static tare_status open_library(cu_device *d) {
    size_t room = CU_GEMM_WORKSPACE;
    if (d->cublaslt) return TARE_OK;
    cu_lt_state *lt = tare_alloc_zeroed(sizeof *lt);
    if (!lt) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory for cuBLASLt's state");
    tare_status s = LT(d, Create(&lt->handle));
    if (s == TARE_OK) s = LT(d, MatmulPreferenceCreate(&lt->preference));
    if (s == TARE_OK)
        s = LT(d, MatmulPreferenceSetAttribute(lt->preference,
                                               CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room,
                                               sizeof room));
    if (s == TARE_OK) {
        d->cublaslt = lt;
        return TARE_OK;
    }
    if (lt->preference) (void)cu_lt.MatmulPreferenceDestroy(lt->preference);
    if (lt->handle) (void)cu_lt.Destroy(lt->handle);
    tare_free(lt);
    return s;
}

static int same_but_m(const cu_gemm_spec *a, const cu_gemm_spec *b) {
    return a->n == b->n && a->k == b->k && a->ldw == b->ldw && a->ldx == b->ldx &&
           a->ldy == b->ldy && a->in == b->in && a->out == b->out && a->sums == b->sums &&
           a->bias == b->bias && a->relu == b->relu && a->scaled == b->scaled && a->fast == b->fast;
}

/* What is found moves to the front: runs ask for the same few again and again. */
static cu_gemm *find(cu_lt_state *lt, const cu_gemm_spec *spec) {
    for (cu_gemm **at = &lt->first; *at; at = &(*at)->link) {
        cu_gemm *g = *at;
        if (!same_but_m(&g->spec, spec)) continue;
        *at = g->link;
        g->link = lt->first;
        lt->first = g;
        return g;
    }
    return NULL;
}

/* ---- descriptors ---- */

typedef struct attribute {
    cublasLtMatmulDescAttributes_t what;
    const void *value;
    size_t bytes;
} attribute;

static tare_status set_all(cu_device *d, cu_gemm *g, const attribute *a, size_t count) {
    for (size_t i = 0; i < count; i++)
        TARE_TRY(LT(d, MatmulDescSetAttribute(g->desc, a[i].what, a[i].value, a[i].bytes)));
    return TARE_OK;
}

/* The heuristic reads none of the vectors, but goes by how they are aligned: until a run says where
 * they are, an address like those that runs give. */
static const void *const anywhere = (const void *)(uintptr_t)256;

/* Whether a product is not done, rather than gone wrong. Versions and devices that don't know
 * scales by row, which came with 12.9, say so by either status, and in whichever call they look at
 * them. */
static int refuses(const cu_gemm_spec *p, cublasStatus_t s) {
    return s == CUBLAS_STATUS_NOT_SUPPORTED || (p->scaled && s == CUBLAS_STATUS_INVALID_VALUE);
}

static tare_status describe_scales(cu_device *d, cu_gemm *g) {
    int32_t mode = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
    const attribute pointers[] = {
        {CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &anywhere, sizeof anywhere},
        {CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &anywhere, sizeof anywhere}};
    for (int i = 0; i < 2; i++) {
        cublasStatus_t s = cu_lt.MatmulDescSetAttribute(
            g->desc, i ? CUBLASLT_MATMUL_DESC_B_SCALE_MODE : CUBLASLT_MATMUL_DESC_A_SCALE_MODE,
            &mode, sizeof mode);
        if (refuses(&g->spec, s)) s = CUBLAS_STATUS_NOT_SUPPORTED;
        TARE_TRY(cu_lt_check(d, "MatmulDescSetAttribute", s));
    }
    return set_all(d, g, pointers, 2);
}

static tare_status describe_product(cu_device *d, cu_gemm *g) {
    const cu_gemm_spec *p = &g->spec;
    cublasComputeType_t compute = p->sums == CU_GEMM_I32    ? CUBLAS_COMPUTE_32I
                                  : p->sums == CU_GEMM_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                            : CUBLAS_COMPUTE_32F;
    int32_t t = CUBLAS_OP_T, n = CUBLAS_OP_N, bias_type = (int32_t)p->out;
    uint32_t epilogue = p->bias   ? p->relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS
                        : p->relu ? CUBLASLT_EPILOGUE_RELU
                                  : CUBLASLT_EPILOGUE_DEFAULT;
    const attribute all[] = {{CUBLASLT_MATMUL_DESC_TRANSA, &t, sizeof t},
                             {CUBLASLT_MATMUL_DESC_TRANSB, &n, sizeof n},
                             {CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue},
                             {CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias_type, sizeof bias_type},
                             {CUBLASLT_MATMUL_DESC_BIAS_POINTER, &anywhere, sizeof anywhere}};
    TARE_TRY(LT(
        d, MatmulDescCreate(&g->desc, compute, p->sums == CU_GEMM_I32 ? CUDA_R_32I : CUDA_R_32F)));
    TARE_TRY(set_all(d, g, all, p->bias ? 5 : 3)); /* the last two are the bias's */
    const int8_t fast = 1;
    const attribute sums[] = {{CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof fast}};
    if (p->fast) TARE_TRY(set_all(d, g, sums, 1));
    return p->scaled ? describe_scales(d, g) : TARE_OK;
}

static tare_status describe(cu_device *d, cu_gemm *g) {
    const cu_gemm_spec *p = &g->spec;
    uint64_t m = (uint64_t)p->m, n = (uint64_t)p->n, k = (uint64_t)p->k;
    TARE_TRY(describe_product(d, g));
    TARE_TRY(LT(d, MatrixLayoutCreate(&g->w, p->in, k, n, p->ldw)));
    TARE_TRY(LT(d, MatrixLayoutCreate(&g->x, p->in, k, m, p->ldx)));
    return LT(d, MatrixLayoutCreate(&g->y, p->out, n, m, p->ldy));
}

static void destroy(cu_gemm *g) {
    if (g->w) (void)cu_lt.MatrixLayoutDestroy(g->w);
    if (g->x) (void)cu_lt.MatrixLayoutDestroy(g->x);
    if (g->y) (void)cu_lt.MatrixLayoutDestroy(g->y);
    if (g->desc) (void)cu_lt.MatmulDescDestroy(g->desc);
    tare_free(g);
}

static tare_status set_m(cu_device *d, cu_gemm *g, int64_t m) {
    uint64_t columns = (uint64_t)m;
    if (g->spec.m == m) return TARE_OK;
    g->spec.m = 0; /* until both are set */
    TARE_TRY(LT(
        d, MatrixLayoutSetAttribute(g->x, CUBLASLT_MATRIX_LAYOUT_COLS, &columns, sizeof columns)));
    TARE_TRY(LT(
        d, MatrixLayoutSetAttribute(g->y, CUBLASLT_MATRIX_LAYOUT_COLS, &columns, sizeof columns)));
    g->spec.m = m;
    return TARE_OK;
}

/* The spec's entry with its layouts at the spec's m; made where there is none. */
static tare_status entry(cu_device *d, const cu_gemm_spec *spec, cu_gemm **out) {
    TARE_TRY(open_library(d));
    cu_lt_state *lt = d->cublaslt;
    *out = find(lt, spec);
    if (*out) return set_m(d, *out, spec->m);
    cu_gemm *g = tare_alloc_zeroed(sizeof *g);
    if (!g) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory to describe a product");
    g->spec = *spec;
    tare_status s = describe(d, g);
    if (s != TARE_OK) {
        destroy(g);
        return s;
    }
    g->link = lt->first;
    lt->first = *out = g;
    return TARE_OK;
}

/* ---- algorithms ---- */

static tare_status no_algorithm(const cu_device *d, const cu_gemm_spec *p) {
    TARE_FAIL(TARE_E_UNSUPPORTED,
              "cuda: cuBLASLt has no algorithm on %s for m %lld, n %lld, k %lld, types %d to %d%s",
              d->name, (long long)p->m, (long long)p->n, (long long)p->k, (int)p->in, (int)p->out,
              p->scaled ? ", scaled by row" : "");
}

/* What the heuristic offers for the layouts as they are, best first. */
static tare_status candidates(cu_device *d, const cu_gemm *g, int most, cublasLtMatmulAlgo_t *out,
                              int *count) {
    const cu_lt_state *lt = d->cublaslt;
    cublasLtMatmulHeuristicResult_t r[CU_GEMM_CANDIDATES];
    uint32_t schemes = g->spec.out == CUDA_R_32F || g->spec.out == CUDA_R_32I
                           ? CUBLASLT_REDUCTION_SCHEME_MASK
                           : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    int n = 0;
    *count = 0;
    memset(r, 0, sizeof r);
    TARE_TRY(LT(d, MatmulPreferenceSetAttribute(lt->preference,
                                                CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                                &schemes, sizeof schemes)));
    cublasStatus_t s = cu_lt.MatmulAlgoGetHeuristic(lt->handle, g->desc, g->w, g->x, g->y, g->y,
                                                    lt->preference, most, r, &n);
    if (refuses(&g->spec, s))
        n = 0;
    else
        TARE_TRY(cu_lt_check(d, "MatmulAlgoGetHeuristic", s));
    for (int i = 0; i < n && i < most; i++)
        if (r[i].state == CUBLAS_STATUS_SUCCESS && r[i].workspaceSize <= CU_GEMM_WORKSPACE)
            out[(*count)++] = r[i].algo;
    return *count ? TARE_OK : no_algorithm(d, &g->spec);
}

static cu_gemm_choice *choice_of(cu_gemm *g, int64_t m) {
    for (int i = 0; i < g->choices; i++)
        if (g->choice[i].m == m) return &g->choice[i];
    return NULL;
}

static cu_gemm_choice *keep(cu_gemm *g, const cublasLtMatmulAlgo_t *algo, int prepared) {
    cu_gemm_choice *c = choice_of(g, g->spec.m);
    if (!c) {
        c = &g->choice[g->next];
        g->next = (g->next + 1) % CU_GEMM_CHOICES;
        if (g->choices < CU_GEMM_CHOICES) g->choices++;
    }
    *c = (cu_gemm_choice){g->spec.m, prepared, *algo};
    return c;
}

static tare_status prepare(cu_device *d, const cu_gemm_spec *spec) {
    const char *how = getenv("TARE_CUDA_CHOICE");
    cublasLtMatmulAlgo_t algo[CU_GEMM_CANDIDATES];
    cu_gemm *g;
    int count, best = 0;
    TARE_TRY(entry(d, spec, &g));
    cu_gemm_choice *known = choice_of(g, spec->m);
    if (g->refused) return no_algorithm(d, spec);
    if (known && known->prepared) return TARE_OK;
    TARE_TRY(candidates(d, g, CU_GEMM_CANDIDATES, algo, &count));
    if (!how || strcmp(how, "heuristic") != 0)
        TARE_TRY(cu_gemm_measure(d, d->cublaslt, g, algo, count, &best));
    (void)keep(g, &algo[best], 1);
    return TARE_OK;
}

/* As a factor: 3 is nearer to 4 than 1 is to 2. */
static double distance(int64_t a, int64_t b) {
    return a > b ? (double)a / (double)b : (double)b / (double)a;
}

static const cu_gemm_choice *nearest(const cu_gemm *g) {
    const cu_gemm_choice *best = NULL;
    for (int i = 0; i < g->choices; i++) {
        const cu_gemm_choice *c = &g->choice[i];
        if (c->prepared && (!best || distance(c->m, g->spec.m) < distance(best->m, g->spec.m)))
            best = c;
    }
    return best;
}

/* For an m that nobody prepared. */
static tare_status borrow(cu_device *d, cu_gemm *g, cu_gemm_choice **out) {
    const cu_lt_state *lt = d->cublaslt;
    const cu_gemm_choice *near = nearest(g);
    cublasLtMatmulHeuristicResult_t r;
    cublasLtMatmulAlgo_t algo;
    int count;
    memset(&r, 0, sizeof r);
    if (near) algo = near->algo;
    if (!near ||
        cu_lt.MatmulAlgoCheck(lt->handle, g->desc, g->w, g->x, g->y, g->y, &algo, &r) !=
            CUBLAS_STATUS_SUCCESS ||
        r.workspaceSize > CU_GEMM_WORKSPACE)
        TARE_TRY(candidates(d, g, 1, &algo, &count));
    *out = keep(g, &algo, 0);
    return TARE_OK;
}

/* ---- runs ---- */

cublasStatus_t cu_gemm_queue(const cu_lt_state *lt, const cu_gemm *g,
                             const cublasLtMatmulAlgo_t *algo, const cu_gemm_operands *o,
                             cudaStream_t stream) {
    static const float one = 1, zero = 0;
    static const int32_t one_i = 1, zero_i = 0;
    int ints = g->spec.sums == CU_GEMM_I32;
    const attribute pointers[] = {
        {CUBLASLT_MATMUL_DESC_BIAS_POINTER, &o->bias, sizeof o->bias},
        {CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &o->w_scale, sizeof o->w_scale},
        {CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &o->x_scale, sizeof o->x_scale}};
    for (int i = 0; i < 3; i++) {
        if (!(i ? g->spec.scaled : g->spec.bias)) continue;
        cublasStatus_t s = cu_lt.MatmulDescSetAttribute(g->desc, pointers[i].what,
                                                        pointers[i].value, pointers[i].bytes);
        if (s != CUBLAS_STATUS_SUCCESS) return s;
    }
    return cu_lt.Matmul(lt->handle, g->desc, ints ? (const void *)&one_i : &one, o->w, g->w, o->x,
                        g->x, ints ? (const void *)&zero_i : &zero, o->y, g->y, o->y, g->y, algo,
                        o->workspace, CU_GEMM_WORKSPACE, stream);
}

static tare_status run(cu_stream *s, const cu_gemm_spec *spec, const cu_gemm_operands *o) {
    cu_device *d = s->device;
    cu_gemm *g;
    TARE_TRY(entry(d, spec, &g));
    cu_gemm_choice *c = choice_of(g, spec->m);
    if (!c) TARE_TRY(borrow(d, g, &c));
    cublasStatus_t st = cu_gemm_queue(d->cublaslt, g, &c->algo, o, s->stream);
    if (g->spec.scaled && refuses(&g->spec, st)) {
        g->refused = 1;
        st = CUBLAS_STATUS_NOT_SUPPORTED;
    }
    return cu_lt_check(d, "Matmul", st);
}

tare_status cu_gemm_prepare(cu_stream *s, const cu_gemm_spec *spec) {
    cu_device *d = s->device;
    TARE_TRY(cu_enter(d));
    pthread_mutex_lock(&d->lock);
    tare_status st = prepare(d, spec);
    pthread_mutex_unlock(&d->lock);
    return st;
}

int cu_gemm_ready(cu_device *d, const cu_gemm_spec *spec) {
    pthread_mutex_lock(&d->lock);
    const cu_gemm *g = d->cublaslt ? find(d->cublaslt, spec) : NULL;
    int ready = g && g->choices > 0 && !g->refused;
    pthread_mutex_unlock(&d->lock);
    return ready;
}

tare_status cu_gemm_run(cu_stream *s, const cu_gemm_spec *spec, const cu_gemm_operands *o) {
    cu_device *d = s->device;
    TARE_TRY(cu_enter(d));
    TARE_TRY(cu_stream_span(s, CU_KERNEL));
    pthread_mutex_lock(&d->lock); /* the descriptor holds this run's pointers */
    tare_status st = run(s, spec, o);
    pthread_mutex_unlock(&d->lock);
    return st;
}
