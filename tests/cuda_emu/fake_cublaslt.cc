/* cuBLASLt as far as cuda/lib/gemm.c uses it, over the emulator's memory. It is stricter than the
 * library: what the documentation asks for (types that go together, TN for int8 and f8, multiples
 * of 4 and 16, aligned addresses, a workspace of the size that was promised) is an error here
 * wherever it is not so, also where the library would only be slow. Sums are as a device's: f32,
 * int32, tf32 factors, and for f8 sums cut to 13 bits over runs of 128, or over all of k where they
 * are asked to be fast.
 *
 * The heuristic offers, in this order: 0, which always works; 1, which fails when it is run; one
 * whose state says that it does not fit; 2, for more than one column, which wants workspace.
 *
 *   TARE_FAKE_CUBLASLT_FAIL=N:STATUS  the N-th call fails so, once
 *   TARE_FAKE_CUBLASLT_NONE=1         the heuristic has no algorithm
 *   TARE_FAKE_CUBLASLT_OLD=1          a version without scales by row
 *   TARE_FAKE_CUBLASLT_OUTER=WHERE:STATUS  knows them, and refuses them: in the `heuristic` or the
 * `run` TARE_FAKE_CUBLASLT_SLOW=ID        that algorithm takes a millisecond longer
 *   TARE_FAKE_CUBLASLT_PAUSE=1        a product waits before it reads its descriptor */
#include "fake_numbers.h"

#include <cublasLt.h>

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

std::mutex lock;
long live, calls;
int last_run = -1, last_fast = -1;

enum { HANDLE = 0x1a2b3c, LAYOUT, DESC, PREFERENCE, ALGO };
enum { WORKSPACE_2 = 1 << 20 };

struct object {
    int magic;
};
struct handle : object {
    handle() : object{HANDLE} {}
};
struct layout : object {
    cudaDataType type;
    uint64_t rows, columns;
    int64_t ld;
    layout(cudaDataType t, uint64_t r, uint64_t c, int64_t l)
        : object{LAYOUT}, type(t), rows(r), columns(c), ld(l) {}
};
struct desc : object {
    cublasComputeType_t compute;
    cudaDataType_t scale_type;
    int32_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N, bias_type = -1, mode_a = 0, mode_b = 0;
    uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    int8_t fast = 0;
    const void *bias = nullptr, *scale_a = nullptr, *scale_b = nullptr;
    desc(cublasComputeType_t c, cudaDataType_t s) : object{DESC}, compute(c), scale_type(s) {}
};
struct preference : object {
    uint64_t workspace = 0;
    uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
    preference() : object{PREFERENCE} {}
};

template <class T> T *made(T *o) {
    live++;
    return o;
}
template <class T> void unmake(T *o) {
    o->magic = 0;
    live--;
    delete o;
}

int asked(const char *name) {
    const char *env = getenv(name);
    return env && *env ? atoi(env) : -1;
}

/* What every call but those that destroy begins with. */
#define ENTER                                                                                      \
    std::lock_guard<std::mutex> held(lock);                                                        \
    do {                                                                                           \
        long at = 0;                                                                               \
        int status = 0;                                                                            \
        const char *env = getenv("TARE_FAKE_CUBLASLT_FAIL");                                       \
        calls++;                                                                                   \
        if (env && sscanf(env, "%ld:%d", &at, &status) == 2 && at == calls)                        \
            return (cublasStatus_t)status;                                                         \
    } while (0)

cublasStatus_t wrong(const char *what) {
    if (getenv("TARE_FAKE_CUBLASLT_TALK")) fprintf(stderr, "fake cuBLASLt: %s\n", what);
    return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t unsupported(const char *what) {
    if (getenv("TARE_FAKE_CUBLASLT_TALK")) fprintf(stderr, "fake cuBLASLt: %s\n", what);
    return CUBLAS_STATUS_NOT_SUPPORTED;
}

/* What scales by row are met with there. */
cublasStatus_t outer(const char *where) {
    char at[20];
    int status = 0;
    const char *env = getenv("TARE_FAKE_CUBLASLT_OUTER");
    if (!env || sscanf(env, "%19[a-z]:%d", at, &status) != 2 || strcmp(at, where) != 0) status = 0;
    return (cublasStatus_t)status;
}

template <class T> cublasStatus_t set(T *to, const void *from, size_t bytes) {
    if (!from || bytes != sizeof *to) return wrong("an attribute of another size");
    memcpy(to, from, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

size_t bytes_of(cudaDataType t) {
    return t == CUDA_R_32F || t == CUDA_R_32I ? 4 : t == CUDA_R_16F || t == CUDA_R_16BF ? 2 : 1;
}

struct problem {
    const desc *d;
    const layout *a, *b, *c, *y;
};

/* ---- the documentation's tables ---- */

int has_bias(const problem &p) {
    return (p.d->epilogue & CUBLASLT_EPILOGUE_BIAS) != 0;
}

cublasStatus_t check_float(const problem &p) {
    cudaDataType in = p.a->type, out = p.y->type;
    int tf32 = p.d->compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    if (p.d->scale_type != CUDA_R_32F) return unsupported("scale type of float sums");
    if (p.d->mode_a || p.d->mode_b || p.d->scale_a || p.d->scale_b)
        return wrong("scales of matrices that are not f8");
    if (p.d->fast) return wrong("fast sums of what is not f8");
    if (in == CUDA_R_32F
            ? out != CUDA_R_32F
            : tf32 || (out != CUDA_R_32F && out != in) || (in != CUDA_R_16F && in != CUDA_R_16BF))
        return unsupported("types of a float product");
    if (has_bias(p) && p.d->bias_type != -1 && p.d->bias_type != (int32_t)out)
        return unsupported("type of the bias");
    if (has_bias(p) && !p.d->bias) return wrong("no bias");
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t check_int8(const problem &p) {
    if (p.d->scale_type != CUDA_R_32I || p.a->type != CUDA_R_8I || p.y->type != CUDA_R_32I)
        return unsupported("types of an int8 product");
    if (p.d->op_a != CUBLAS_OP_T || p.d->op_b != CUBLAS_OP_N) return unsupported("int8 is TN");
    if (p.d->epilogue != CUBLASLT_EPILOGUE_DEFAULT) return unsupported("epilogue of int32 sums");
    if (p.y->rows % 4 || p.a->rows % 4 || p.a->ld % 4 || p.b->ld % 4 || p.y->ld % 4)
        return unsupported("int8 in multiples of 4");
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t check_f8(const problem &p) {
    cudaDataType out = p.y->type;
    if (p.d->compute != CUBLAS_COMPUTE_32F || p.d->scale_type != CUDA_R_32F)
        return unsupported("sums of an f8 product");
    if (p.d->op_a != CUBLAS_OP_T || p.d->op_b != CUBLAS_OP_N) return unsupported("f8 is TN");
    if (out != CUDA_R_32F && out != CUDA_R_16F && out != CUDA_R_16BF)
        return unsupported("result of an f8 product");
    if (p.y->rows % 16 || p.a->rows % 16 || p.a->ld % 16 || p.b->ld % 16 ||
        (size_t)p.y->ld * bytes_of(out) % 16)
        return unsupported("f8 in multiples of 16");
    if (has_bias(p)) return unsupported("bias of f8, which is never f32");
    if (p.d->mode_a != p.d->mode_b) return unsupported("one operand scaled by row");
    if (p.d->mode_a && (!p.d->scale_a || !p.d->scale_b)) return wrong("no scales");
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t check(const problem &p) {
    if (!p.d || p.d->magic != DESC || !p.a || p.a->magic != LAYOUT || !p.b ||
        p.b->magic != LAYOUT || !p.c || p.c->magic != LAYOUT || !p.y || p.y->magic != LAYOUT)
        return wrong("not a descriptor");
    if (p.d->op_a != CUBLAS_OP_T || p.d->op_b != CUBLAS_OP_N)
        return unsupported("only TN is done here");
    if (p.a->type != p.b->type || p.c->type != p.y->type || p.c->rows != p.y->rows ||
        p.c->columns != p.y->columns || p.c->ld != p.y->ld)
        return unsupported("A and B, or C and D, differ");
    if (p.a->rows != p.b->rows || p.a->columns != p.y->rows || p.b->columns != p.y->columns)
        return wrong("sizes don't meet");
    if (p.a->ld < (int64_t)p.a->rows || p.b->ld < (int64_t)p.b->rows ||
        p.y->ld < (int64_t)p.y->rows)
        return wrong("a leading dimension is too small");
    if (p.d->compute == CUBLAS_COMPUTE_32I) return check_int8(p);
    if (p.d->compute != CUBLAS_COMPUTE_32F && p.d->compute != CUBLAS_COMPUTE_32F_FAST_TF32)
        return unsupported("compute type");
    return p.a->type == CUDA_R_8F_E4M3 ? check_f8(p) : check_float(p);
}

/* What an algorithm was chosen for: it serves other sizes of the same kind. */
uint64_t kind_of(const problem &p) {
    return (uint64_t)p.a->type << 48 | (uint64_t)p.y->type << 32 | (uint64_t)p.d->compute << 16 |
           p.d->epilogue << 1 | (p.d->mode_a != 0);
}

cublasStatus_t check_algo(const cublasLtMatmulAlgo_t *algo, const problem &p, size_t *workspace) {
    if (!algo || algo->data[0] != ALGO) return wrong("not an algorithm");
    if (algo->data[2] != kind_of(p)) return wrong("an algorithm for another kind of product");
    if (algo->data[1] == 2 && p.y->columns < 2) return unsupported("algorithm 2 and one column");
    *workspace = algo->data[1] == 2 ? WORKSPACE_2 : 0;
    return CUBLAS_STATUS_SUCCESS;
}

/* ---- the product ---- */

float load(cudaDataType t, const void *p, int64_t i) {
    switch (t) {
    case CUDA_R_32F:
        return ((const float *)p)[i];
    case CUDA_R_16F:
        return fake_half(((const uint16_t *)p)[i]);
    case CUDA_R_16BF:
        return fake_bf16(((const uint16_t *)p)[i]);
    default:
        return fake_e4m3(((const uint8_t *)p)[i]);
    }
}

std::vector<float> widen(const layout &l, const void *p, int tf32) {
    std::vector<float> out(l.rows * l.columns);
    for (uint64_t c = 0; c < l.columns; c++)
        for (uint64_t r = 0; r < l.rows; r++) {
            float v = load(l.type, p, (int64_t)c * l.ld + (int64_t)r);
            out[c * l.rows + r] = tf32 ? fake_cut(v, 10) : v;
        }
    return out;
}

float dot(const float *a, const float *b, int64_t k, int f8, int fast) {
    float sum = 0;
    if (!f8) {
        for (int64_t j = 0; j < k; j++) sum += a[j] * b[j];
        return sum;
    }
    int64_t length = fast ? k : 128;
    for (int64_t at = 0; at < k; at += length) {
        float run = 0;
        for (int64_t j = at; j < k && j < at + length; j++) run = fake_cut(run + a[j] * b[j], 13);
        sum += run;
    }
    return sum;
}

struct product { /* by value: descriptors may change once it is queued */
    layout a, b, y;
    desc d;
    const void *pa, *pb;
    void *py;
};

void multiply_int8(const product &q) {
    for (uint64_t c = 0; c < q.y.columns; c++)
        for (uint64_t r = 0; r < q.y.rows; r++) {
            const int8_t *a = (const int8_t *)q.pa + (int64_t)r * q.a.ld;
            const int8_t *b = (const int8_t *)q.pb + (int64_t)c * q.b.ld;
            int32_t sum = 0;
            for (uint64_t j = 0; j < q.a.rows; j++) sum += a[j] * b[j];
            ((int32_t *)q.py)[(int64_t)c * q.y.ld + (int64_t)r] = sum;
        }
}

void multiply(const product &q) {
    if (q.d.compute == CUBLAS_COMPUTE_32I) return multiply_int8(q);
    int tf32 = q.d.compute == CUBLAS_COMPUTE_32F_FAST_TF32, f8 = q.a.type == CUDA_R_8F_E4M3;
    std::vector<float> a = widen(q.a, q.pa, tf32), b = widen(q.b, q.pb, tf32);
    int64_t k = (int64_t)q.a.rows;
    for (int64_t c = 0; c < (int64_t)q.y.columns; c++)
        for (int64_t r = 0; r < (int64_t)q.y.rows; r++) {
            float v = dot(a.data() + r * k, b.data() + c * k, k, f8, q.d.fast);
            int64_t i = c * q.y.ld + r;
            if (q.d.mode_a)
                v = v * ((const float *)q.d.scale_a)[r] * ((const float *)q.d.scale_b)[c];
            if (q.d.epilogue & CUBLASLT_EPILOGUE_BIAS) v += load(q.y.type, q.d.bias, r);
            if ((q.d.epilogue & CUBLASLT_EPILOGUE_RELU) && !(v > 0)) v = 0;
            if (q.y.type == CUDA_R_32F)
                ((float *)q.py)[i] = v;
            else
                ((uint16_t *)q.py)[i] = q.y.type == CUDA_R_16F ? fake_to_half(v) : fake_to_bf16(v);
        }
}

/* At once, or when the graph that the stream is captured for is launched: the emulator knows. */
void submit(cudaStream_t stream, const product &q) {
    typedef void (*queue)(void *, void (*)(const void *), const void *, size_t);
    static queue to = [] {
        const char *folder = getenv("TARE_BACKEND_DIR");
        std::string path = std::string(folder ? folder : ".") + "/tare-backend-cuda.so";
        void *module = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
        return module ? (queue)dlsym(module, "tare_emu_submit") : (queue) nullptr;
    }();
    auto work = [](const void *p) { multiply(*(const product *)p); };
    if (to)
        to(stream, work, &q, sizeof q);
    else
        work(&q);
}

int aligned(const void *p, unsigned to) {
    return p && (uintptr_t)p % to == 0;
}

} // namespace

extern "C" {

/* For tests: objects that were not destroyed, calls so far, the algorithm of the last product. */
long tare_fake_cublaslt_live(void) {
    return live;
}
long tare_fake_cublaslt_calls(void) {
    return calls;
}
long tare_fake_cublaslt_last(void) {
    return last_run;
}
/* Whether its sums were fast. */
long tare_fake_cublaslt_fast(void) {
    return last_fast;
}

size_t cublasLtGetVersion(void) {
    return asked("TARE_FAKE_CUBLASLT_OLD") > 0 ? 120500 : 130000;
}
const char *cublasLtGetStatusName(cublasStatus_t s) {
    switch (s) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
        return "a status";
    }
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *out) {
    ENTER;
    *out = (cublasLtHandle_t)made(new handle);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t h) {
    std::lock_guard<std::mutex> held(lock);
    unmake((handle *)h);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *out, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
    ENTER;
    *out = (cublasLtMatmulDesc_t)made(new desc(compute, scale));
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) {
    std::lock_guard<std::mutex> held(lock);
    unmake((desc *)d);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t p,
                                              cublasLtMatmulDescAttributes_t what, const void *from,
                                              size_t bytes) {
    ENTER;
    desc *d = (desc *)p;
    if (!d || d->magic != DESC) return wrong("not a descriptor of a product");
    switch (what) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return set(&d->op_a, from, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
        return set(&d->op_b, from, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return set(&d->epilogue, from, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return set(&d->bias, from, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
        return set(&d->bias_type, from, bytes);
    case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER:
        return set(&d->scale_a, from, bytes);
    case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER:
        return set(&d->scale_b, from, bytes);
    case CUBLASLT_MATMUL_DESC_FAST_ACCUM:
        return set(&d->fast, from, bytes);
    case CUBLASLT_MATMUL_DESC_A_SCALE_MODE:
    case CUBLASLT_MATMUL_DESC_B_SCALE_MODE: {
        int32_t *mode = what == CUBLASLT_MATMUL_DESC_A_SCALE_MODE ? &d->mode_a : &d->mode_b;
        if (asked("TARE_FAKE_CUBLASLT_OLD") > 0) return wrong("no such attribute");
        cublasStatus_t s = set(mode, from, bytes);
        if (s == CUBLAS_STATUS_SUCCESS && *mode != 0 &&
            *mode != CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F)
            return wrong("scale mode");
        return s;
    }
    default:
        return wrong("an attribute that is not known here");
    }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *out, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t ld) {
    ENTER;
    *out = (cublasLtMatrixLayout_t)made(new layout(type, rows, columns, ld));
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l) {
    std::lock_guard<std::mutex> held(lock);
    unmake((layout *)l);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t p,
                                                cublasLtMatrixLayoutAttribute_t what,
                                                const void *from, size_t bytes) {
    ENTER;
    layout *l = (layout *)p;
    if (!l || l->magic != LAYOUT) return wrong("not a layout");
    if (what != CUBLASLT_MATRIX_LAYOUT_COLS) return wrong("an attribute that is not known here");
    return set(&l->columns, from, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *out) {
    ENTER;
    *out = (cublasLtMatmulPreference_t)made(new preference);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) {
    std::lock_guard<std::mutex> held(lock);
    unmake((preference *)p);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t q,
                                                    cublasLtMatmulPreferenceAttributes_t what,
                                                    const void *from, size_t bytes) {
    ENTER;
    preference *p = (preference *)q;
    if (!p || p->magic != PREFERENCE) return wrong("not a preference");
    if (what == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return set(&p->workspace, from, bytes);
    if (what == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) return set(&p->schemes, from, bytes);
    return wrong("an attribute that is not known here");
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t h, cublasLtMatmulDesc_t d,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t y,
                                              cublasLtMatmulPreference_t q, int most,
                                              cublasLtMatmulHeuristicResult_t out[], int *count) {
    ENTER;
    preference *p = (preference *)q;
    problem now = {(desc *)d, (layout *)a, (layout *)b, (layout *)c, (layout *)y};
    if (!h || ((handle *)h)->magic != HANDLE) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!p || p->magic != PREFERENCE || most < 1) return wrong("preference");
    cublasStatus_t s = check(now);
    *count = 0;
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    if (asked("TARE_FAKE_CUBLASLT_NONE") > 0) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (now.d->mode_a && outer("heuristic")) return outer("heuristic");
    if (bytes_of(now.y->type) == 2 && (p->schemes & CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE))
        return wrong("sums that may meet in 16 bits");
    static const int offers[] = {0, 1, -1, 2};
    for (int id : offers) {
        if (*count == most) break;
        if (id == 2 && (p->workspace < WORKSPACE_2 || now.y->columns < 2)) continue;
        cublasLtMatmulHeuristicResult_t *r = &out[(*count)++];
        memset(r, 0, sizeof *r);
        r->state = id < 0 ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
        r->workspaceSize = id == 2 ? WORKSPACE_2 : 0;
        if (id < 0) continue;
        r->algo.data[0] = ALGO;
        r->algo.data[1] = (uint64_t)id;
        r->algo.data[2] = kind_of(now);
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t h, cublasLtMatmulDesc_t d,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                       cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t y,
                                       const cublasLtMatmulAlgo_t *algo,
                                       cublasLtMatmulHeuristicResult_t *r) {
    ENTER;
    problem now = {(desc *)d, (layout *)a, (layout *)b, (layout *)c, (layout *)y};
    if (!h || ((handle *)h)->magic != HANDLE) return CUBLAS_STATUS_NOT_INITIALIZED;
    cublasStatus_t s = check(now);
    if (s == CUBLAS_STATUS_SUCCESS) s = check_algo(algo, now, &r->workspaceSize);
    return r->state = s;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t h, cublasLtMatmulDesc_t d, const void *alpha,
                              const void *pa, cublasLtMatrixLayout_t a, const void *pb,
                              cublasLtMatrixLayout_t b, const void *beta, const void *pc,
                              cublasLtMatrixLayout_t c, void *py, cublasLtMatrixLayout_t y,
                              const cublasLtMatmulAlgo_t *algo, void *workspace, size_t room,
                              cudaStream_t stream) {
    if (asked("TARE_FAKE_CUBLASLT_PAUSE") > 0) usleep(200);
    ENTER;
    problem now = {(desc *)d, (layout *)a, (layout *)b, (layout *)c, (layout *)y};
    size_t needed = 0;
    if (!h || ((handle *)h)->magic != HANDLE) return CUBLAS_STATUS_NOT_INITIALIZED;
    cublasStatus_t s = check(now);
    if (s == CUBLAS_STATUS_SUCCESS) s = check_algo(algo, now, &needed);
    if (s != CUBLAS_STATUS_SUCCESS) return s;
    if (!aligned(workspace, 256) || room < needed) return wrong("workspace");
    if (!aligned(pa, 256) || !aligned(pb, 256) || !aligned(py, 256) || pc != py)
        return wrong("addresses of matrices");
    if (has_bias(now) && (!aligned(now.d->bias, 16) || (uintptr_t)now.d->bias < 4096))
        return wrong("address of the bias");
    if (now.d->mode_a && (!aligned(now.d->scale_a, 16) || (uintptr_t)now.d->scale_a < 4096 ||
                          !aligned(now.d->scale_b, 16) || (uintptr_t)now.d->scale_b < 4096))
        return wrong("addresses of scales");
    int ints = now.d->compute == CUBLAS_COMPUTE_32I;
    if (!alpha || !beta ||
        (ints ? *(const int32_t *)alpha != 1 || *(const int32_t *)beta != 0
              : *(const float *)alpha != 1 || *(const float *)beta != 0))
        return wrong("alpha and beta");
    if (algo->data[1] == 1) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (now.d->mode_a && outer("run")) return outer("run");
    last_run = (int)algo->data[1];
    last_fast = now.d->fast;
    if (asked("TARE_FAKE_CUBLASLT_SLOW") == last_run) usleep(1000);
    memset(workspace, 0xa5, needed);
    product q = {*now.a, *now.b, *now.y, *now.d, pa, pb, py};
    submit(stream, q);
    return CUBLAS_STATUS_SUCCESS;
}

} // extern "C"
