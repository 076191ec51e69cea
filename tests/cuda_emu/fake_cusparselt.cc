/* cuSPARSELt for the emulator: the functions that cuda/ uses, over host memory and strict about
 * what the documentation asks for: structs made before they are used and not after their end,
 * sizes, leading dimensions and addresses in the right multiples, types and orders that go
 * together, a matrix that is 2:4 when it is compressed, a workspace where the plan wants one.
 * Compressed weights are n * k / 2 values and four bits for each four columns; products are made
 * from those alone.
 *
 *   TARE_FAKE_CUSPARSELT_FAIL=N:STATUS    the N-th call fails with that status
 *   TARE_FAKE_CUSPARSELT_VERSION=0.8.0    what it says it is (default 0.10.0)
 *   TARE_FAKE_CUSPARSELT_WORKSPACE=BYTES  what its fastest algorithm wants (default 4096) */
#include "fake_cusparselt_product.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

namespace {

std::recursive_mutex lock;
long calls, live;

enum kind { HANDLE = 0x4c540001, MATRIX, PRODUCT, CHOICE, PLAN, GONE };

struct plan {
    product *of;
    int searched;
};
/* What stands at the beginning of each opaque struct. */
struct head {
    uint32_t kind;
    void *is;
};

struct compressed {
    int64_t rows, columns;
    cudaDataType type;
};
std::map<const void *, compressed> made; /* by SpMMACompress, where they lie */

/* The status that was asked for, or 0. */
int strike() {
    const char *env = getenv("TARE_FAKE_CUSPARSELT_FAIL");
    long at = 0;
    int status = 0;
    calls++;
    return env && sscanf(env, "%ld:%d", &at, &status) == 2 && at == calls ? status : 0;
}

#define ENTER                                                                                      \
    std::lock_guard<std::recursive_mutex> held(lock);                                              \
    if (int struck = strike()) return struck
#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) return refuse(__func__, #what);                                               \
    } while (0)

int refuse(const char *function, const char *what) {
    fprintf(stderr, "fake cuSPARSELt: %s: not so: %s\n", function, what);
    return CUSPARSELT_INVALID_VALUE;
}

template <class T> T *get(const void *opaque, kind k) {
    const head *h = (const head *)opaque;
    return h && h->kind == (uint32_t)k ? (T *)h->is : nullptr;
}
template <class T> T *put(void *opaque, kind k) {
    head *h = (head *)opaque;
    T *is = new T();
    memset(opaque, 0xa5, CUSPARSELT_OPAQUE);
    h->kind = (uint32_t)k;
    h->is = is;
    live++;
    return is;
}
/* Whatever it returns, it is gone. */
template <class T> int end(const void *opaque, kind k) {
    int struck = strike();
    T *is = get<T>(opaque, k);
    NEED(is);
    delete is;
    ((head *)opaque)->kind = GONE;
    live--;
    return struck;
}

bool fits(int64_t rows, int64_t columns, int64_t ld, int multiple) {
    return rows > 0 && columns > 0 && ld > 0 && rows % multiple == 0 && columns % multiple == 0 &&
           ld % multiple == 0;
}
bool counts(int64_t rows, int64_t columns, int bytes) {
    int64_t most = bytes == 1 ? UINT32_MAX : bytes == 2 ? INT32_MAX : (1 << 30) - 1;
    return rows <= most / columns;
}
bool aligned(const void *p) {
    return p && (uintptr_t)p % 16 == 0;
}

/* The documentation's table of types, its rows with what is used here and near it. */
bool go_together(cudaDataType ab, cudaDataType c, cudaDataType d, int sums) {
    static const struct {
        cudaDataType ab, c, d;
        int sums;
    } table[] = {{CUDA_R_16F, CUDA_R_16F, CUDA_R_16F, CUSPARSELT_SUM_F32},
                 {CUDA_R_16F, CUDA_R_16F, CUDA_R_16F, CUSPARSELT_SUM_F16},
                 {CUDA_R_16BF, CUDA_R_16BF, CUDA_R_16BF, CUSPARSELT_SUM_F32},
                 {CUDA_R_8I, CUDA_R_8I, CUDA_R_8I, CUSPARSELT_SUM_I32},
                 {CUDA_R_8I, CUDA_R_32I, CUDA_R_32I, CUSPARSELT_SUM_I32},
                 {CUDA_R_8I, CUDA_R_16F, CUDA_R_16F, CUSPARSELT_SUM_I32},
                 {CUDA_R_8F_E4M3, CUDA_R_16F, CUDA_R_16F, CUSPARSELT_SUM_F32},
                 {CUDA_R_8F_E4M3, CUDA_R_32F, CUDA_R_32F, CUSPARSELT_SUM_F32}};
    for (auto &t : table)
        if (t.ab == ab && t.c == c && t.d == d && t.sums == sums) return true;
    return false;
}

size_t workspace_bytes(const plan *p) {
    const char *env = getenv("TARE_FAKE_CUSPARSELT_WORKSPACE");
    return !p->searched ? 0 : env ? (size_t)atol(env) : 4096;
}

bool is_factor(const void *p, float f) {
    float v;
    memcpy(&v, p, sizeof v);
    return v == f;
}

/* What a product and a search have in common, but for the workspace. */
int check_operands(const char *__restrict function, plan *p, const void *alpha, const void *a,
                   const void *b, const void *beta, const void *c, const void *d,
                   cudaStream_t *streams, int32_t count) {
    if (!alpha || !beta) return refuse(function, "alpha && beta");
    if (!is_factor(alpha, 1) || !is_factor(beta, 0))
        return refuse(function, "alpha is 1 and beta 0, as floats");
    if (!aligned(a) || !aligned(b) || !aligned(c) || !aligned(d))
        return refuse(function, "addresses are multiples of 16");
    if (count < 0 || (count > 0 && !streams)) return refuse(function, "there are streams");
    auto at = made.find(a);
    if (at == made.end() || at->second.rows != p->of->a.rows ||
        at->second.columns != p->of->a.columns || at->second.type != p->of->a.type)
        return refuse(function, "A was compressed");
    return 0;
}

struct run {
    product of;
    const char *a, *b;
    void *d, *workspace;
    size_t bytes;
};

void multiply(const void *p) {
    const run &r = *(const run *)p;
    if (r.bytes) memset(r.workspace, 0xcc, r.bytes);
    for (int64_t j = 0; j < r.of.b.columns; j++) multiply_column(r.of, r.a, r.b, j, r.d);
}

/* At once, or when the graph that the stream is captured for is launched: the emulator knows. */
void submit(cudaStream_t stream, const run &r) {
    typedef void (*queue)(void *, void (*)(const void *), const void *, size_t);
    static queue to = [] {
        const char *folder = getenv("TARE_BACKEND_DIR");
        std::string path = std::string(folder ? folder : ".") + "/tare-backend-cuda.so";
        void *module = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
        return module ? (queue)dlsym(module, "tare_emu_submit") : (queue) nullptr;
    }();
    if (to)
        to(stream, multiply, &r, sizeof r);
    else
        multiply(&r);
}

} // namespace

extern "C" {

/* For tests: structs that were made and are not gone, and calls so far. */
long tare_fake_cusparselt_live(void) {
    return live;
}
long tare_fake_cusparselt_calls(void) {
    return calls;
}

int cusparseLtGetProperty(libraryPropertyType what, int *value) {
    const char *env = getenv("TARE_FAKE_CUSPARSELT_VERSION");
    int v[3] = {0, 10, 0};
    if (env && sscanf(env, "%d.%d.%d", &v[0], &v[1], &v[2]) != 3) return CUSPARSELT_INVALID_VALUE;
    *value = v[what];
    return 0;
}

int cusparseLtInit(cusparselt_handle *h) {
    ENTER;
    NEED(h && (uintptr_t)h % 16 == 0);
    put<int>(h, HANDLE);
    return 0;
}

int cusparseLtStructuredDescriptorInit(const cusparselt_handle *h, cusparselt_matrix *a,
                                       int64_t rows, int64_t columns, int64_t ld,
                                       uint32_t alignment, cudaDataType type, int order,
                                       int sparsity) {
    ENTER;
    NEED(get<int>(h, HANDLE));
    NEED(alignment > 0 && alignment % 16 == 0);
    NEED(bytes_of(type) == 1 || bytes_of(type) == 2);
    NEED(fits(rows, columns, ld, bytes_of(type) == 1 ? 32 : 16));
    NEED(counts(rows, columns, bytes_of(type)));
    NEED(order == CUSPARSELT_ROW_MAJOR && ld >= columns);
    NEED(sparsity == CUSPARSELT_HALF_KEPT);
    *put<matrix>(a, MATRIX) = {rows, columns, ld, type, order, 1};
    return 0;
}

int cusparseLtDenseDescriptorInit(const cusparselt_handle *h, cusparselt_matrix *a, int64_t rows,
                                  int64_t columns, int64_t ld, uint32_t alignment,
                                  cudaDataType type, int order) {
    ENTER;
    NEED(get<int>(h, HANDLE));
    NEED(alignment > 0 && alignment % 16 == 0);
    NEED(bytes_of(type));
    NEED(fits(rows, columns, ld, 16 / bytes_of(type)));
    NEED(counts(rows, columns, bytes_of(type)));
    NEED(order == CUSPARSELT_ROW_MAJOR ? ld >= columns
                                       : order == CUSPARSELT_COLUMN_MAJOR && ld >= rows);
    *put<matrix>(a, MATRIX) = {rows, columns, ld, type, order, 0};
    return 0;
}

int cusparseLtMatDescriptorDestroy(const cusparselt_matrix *a) {
    std::lock_guard<std::recursive_mutex> held(lock);
    return end<matrix>(a, MATRIX);
}

int cusparseLtMatmulDescriptorInit(const cusparselt_handle *h, cusparselt_product *p, int op_a,
                                   int op_b, const cusparselt_matrix *a, const cusparselt_matrix *b,
                                   const cusparselt_matrix *c, const cusparselt_matrix *d,
                                   int sums) {
    ENTER;
    matrix *ma = get<matrix>(a, MATRIX), *mb = get<matrix>(b, MATRIX), *mc = get<matrix>(c, MATRIX),
           *md = get<matrix>(d, MATRIX);
    NEED(get<int>(h, HANDLE));
    NEED(ma && mb && mc && md);
    NEED(ma->sparse && !mb->sparse && !mc->sparse && !md->sparse);
    NEED(op_a == CUSPARSELT_AS_IT_IS && op_b == CUSPARSELT_AS_IT_IS);
    NEED(ma->columns == mb->rows && md->rows == ma->rows && md->columns == mb->columns);
    NEED(mc->rows == md->rows && mc->columns == md->columns && mc->ld == md->ld);
    NEED(ma->type == mb->type && mc->order == md->order);
    NEED(ma->order == CUSPARSELT_ROW_MAJOR && mb->order == CUSPARSELT_COLUMN_MAJOR &&
         md->order == CUSPARSELT_COLUMN_MAJOR);
    if (!go_together(ma->type, mc->type, md->type, sums)) return CUSPARSELT_NOT_SUPPORTED;
    /* It has no end of its own: kept in the struct's second half. */
    product *is = (product *)(p->opaque + CUSPARSELT_OPAQUE / 2);
    memset(p, 0xa5, sizeof *p);
    *is = {*ma, *mb, *mc, *md, sums, 0, nullptr};
    ((head *)p)->kind = PRODUCT;
    ((head *)p)->is = is;
    return 0;
}

int cusparseLtMatmulDescSetAttribute(const cusparselt_handle *h, cusparselt_product *p, int which,
                                     const void *value, size_t bytes) {
    ENTER;
    product *is = get<product>(p, PRODUCT);
    NEED(get<int>(h, HANDLE));
    NEED(is && value);
    if (which == CUSPARSELT_RELU) {
        NEED(bytes == sizeof is->relu);
        memcpy(&is->relu, value, bytes);
    } else {
        NEED(which == CUSPARSELT_SPARSE_POINTER && bytes == sizeof is->sparse);
        memcpy(&is->sparse, value, bytes);
        NEED(aligned(is->sparse));
    }
    return 0;
}

int cusparseLtMatmulAlgSelectionInit(const cusparselt_handle *h, cusparselt_choice *c,
                                     const cusparselt_product *p, int algorithm) {
    ENTER;
    NEED(get<int>(h, HANDLE));
    NEED(get<product>(p, PRODUCT));
    NEED(algorithm == CUSPARSELT_DEFAULT_ALGORITHM);
    put<int>(c, CHOICE);
    return 0;
}
int cusparseLtMatmulAlgSelectionDestroy(const cusparselt_choice *c) {
    std::lock_guard<std::recursive_mutex> held(lock);
    return end<int>(c, CHOICE);
}

int cusparseLtMatmulPlanInit(const cusparselt_handle *h, cusparselt_plan *out,
                             const cusparselt_product *p, const cusparselt_choice *c) {
    ENTER;
    NEED(get<int>(h, HANDLE));
    NEED(get<product>(p, PRODUCT));
    NEED(get<int>(c, CHOICE));
    *put<plan>(out, PLAN) = {get<product>(p, PRODUCT), 0};
    return 0;
}
int cusparseLtMatmulPlanDestroy(const cusparselt_plan *p) {
    std::lock_guard<std::recursive_mutex> held(lock);
    return end<plan>(p, PLAN);
}

int cusparseLtSpMMAPruneCheck(const cusparselt_handle *h, const cusparselt_product *p,
                              const void *a, int *valid, cudaStream_t) {
    ENTER;
    product *is = get<product>(p, PRODUCT);
    NEED(get<int>(h, HANDLE));
    NEED(is && aligned(a) && valid);
    int bytes = bytes_of(is->a.type);
    *valid = 0;
    for (int64_t row = 0; row < is->a.rows; row++)
        for (int64_t j = 0; j < is->a.columns; j += 4)
            if (kept((const char *)a + (row * is->a.ld + j) * bytes, bytes) < 0) *valid = 1;
    return 0;
}

int cusparseLtSpMMACompressedSize(const cusparselt_handle *h, const cusparselt_plan *p,
                                  size_t *bytes, size_t *buffer_bytes) {
    ENTER;
    plan *is = get<plan>(p, PLAN);
    NEED(get<int>(h, HANDLE));
    NEED(is && bytes && buffer_bytes);
    *bytes = compressed_bytes(is->of->a);
    *buffer_bytes = (size_t)(is->of->a.rows * 4);
    return 0;
}

int cusparseLtSpMMACompress(const cusparselt_handle *h, const cusparselt_plan *p, const void *dense,
                            void *out, void *buffer, cudaStream_t) {
    ENTER;
    plan *is = get<plan>(p, PLAN);
    NEED(get<int>(h, HANDLE));
    NEED(is && aligned(dense) && aligned(out) && aligned(buffer));
    const matrix &a = is->of->a;
    int bytes = bytes_of(a.type);
    char *places = (char *)out + values_bytes(a);
    memset(places, 0, (size_t)(a.rows * a.columns / 8));
    memset(buffer, 0xcc, (size_t)(a.rows * 4));
    for (int64_t at = 0; at < a.rows * (a.columns / 4); at++) {
        int64_t row = at / (a.columns / 4), g = at % (a.columns / 4);
        const char *four = (const char *)dense + (row * a.ld + 4 * g) * bytes;
        int both = kept(four, bytes);
        NEED(both >= 0);
        for (int i = 0; i < 2; i++)
            memcpy((char *)out + (2 * at + i) * bytes, four + (both >> 2 * i & 3) * bytes,
                   (size_t)bytes);
        places[at / 2] = (char)(places[at / 2] | both << at % 2 * 4);
    }
    made[out] = {a.rows, a.columns, a.type};
    return 0;
}

int cusparseLtMatmulGetWorkspace(const cusparselt_handle *h, const cusparselt_plan *p,
                                 size_t *bytes) {
    ENTER;
    plan *is = get<plan>(p, PLAN);
    NEED(get<int>(h, HANDLE));
    NEED(is && bytes);
    *bytes = workspace_bytes(is);
    return 0;
}

/* Zeros in B are what a search must not be given. */
int cusparseLtMatmulSearch(const cusparselt_handle *h, cusparselt_plan *p, const void *alpha,
                           const void *a, const void *b, const void *beta, const void *c, void *d,
                           void *, cudaStream_t *streams, int32_t count) {
    ENTER;
    plan *is = get<plan>(p, PLAN);
    NEED(get<int>(h, HANDLE));
    NEED(is);
    if (int s = check_operands(__func__, is, alpha, a, b, beta, c, d, streams, count)) return s;
    int64_t all = is->of->b.ld * is->of->b.columns, zeros = 0;
    for (int64_t i = 0; i < all; i++) zeros += load(is->of->b.type, b, i) == 0;
    NEED(zeros <= all / 8);
    run r = {*is->of, (const char *)a, (const char *)b, d, nullptr, 0};
    multiply(&r);
    is->searched = 1;
    return 0;
}

int cusparseLtMatmul(const cusparselt_handle *h, const cusparselt_plan *p, const void *alpha,
                     const void *a, const void *b, const void *beta, const void *c, void *d,
                     void *workspace, cudaStream_t *streams, int32_t count) {
    ENTER;
    plan *is = get<plan>(p, PLAN);
    NEED(get<int>(h, HANDLE));
    NEED(is);
    if (int s = check_operands(__func__, is, alpha, a, b, beta, c, d, streams, count)) return s;
    size_t bytes = workspace_bytes(is);
    NEED(!bytes || aligned(workspace));
    submit(count ? streams[0] : nullptr,
           {*is->of, (const char *)a, (const char *)b, d, workspace, bytes});
    return 0;
}

} // extern "C"
