/* libcusparse as far as the backend uses it, over host memory, as strict as its documentation: what
 * it does not promise is refused here, and what it leaves open is done the unpleasant way (sums in
 * another order every time where it does not say that they repeat, a workspace that is written all
 * over where it is not the active one).
 *
 *   TARE_FAKE_CUSPARSE_FAIL=N:STATUS   the N-th call fails with STATUS, once
 *   TARE_FAKE_CUSPARSE_VERSION=MINOR   12.MINOR.0 (default 12.6.0)
 *   TARE_FAKE_CUSPARSE_REFUSE=ALG      this algorithm is not supported */
#include <cusparse.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct cusparseContext {
    cudaStream_t stream;
    std::thread::id set_by;
};

/* A matrix, dense ones too. What is preprocessed for `active` must be asked for again alike. */
struct cusparseSpMatDescr {
    cusparseFormat_t format;
    int64_t rows, cols, stored, block, width;
    const int32_t *offsets, *columns;
    const void *values;
    cudaDataType type;
    mutable const void *active;
    mutable cusparseSpMMAlg_t alg;
    mutable int64_t active_columns;
};
struct cusparseDnMatDescr {
    int64_t rows, cols, ld;
    void *values;
    cudaDataType type;
};

namespace {

std::recursive_mutex lock;
long calls, live, shared;
unsigned turn;
std::map<const void *, cudaStream_t> last_used; /* of workspaces */

long number(const char *name, long otherwise) {
    const char *env = getenv(name);
    return env && *env ? atol(env) : otherwise;
}

cusparseStatus_t enter() {
    calls++;
    const char *env = getenv("TARE_FAKE_CUSPARSE_FAIL");
    long at = 0;
    int status = 0;
    if (env && sscanf(env, "%ld:%d", &at, &status) == 2 && at == calls)
        return (cusparseStatus_t)status;
    return CUSPARSE_STATUS_SUCCESS;
}

#define ENTER                                                                                      \
    std::lock_guard<std::recursive_mutex> held(lock);                                              \
    {                                                                                              \
        cusparseStatus_t entered = enter();                                                        \
        if (entered != CUSPARSE_STATUS_SUCCESS) return entered;                                    \
    }
#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) return wrong(#what);                                                          \
    } while (0)

cusparseStatus_t wrong(const char *what) {
    fprintf(stderr, "fake cusparse: needs %s\n", what);
    return CUSPARSE_STATUS_INVALID_VALUE;
}

size_t bytes_of(cudaDataType t) {
    return t == CUDA_R_32F ? 4 : 2;
}
bool is_type(cudaDataType t) {
    return t == CUDA_R_32F || t == CUDA_R_16F || t == CUDA_R_16BF;
}
bool is_aligned(const void *p, size_t to) {
    return p && (uintptr_t)p % to == 0;
}

/* ---- numbers ---- */

float half_to_float(uint16_t h) {
    int e = h >> 10 & 31, m = h & 1023;
    float v = e == 0    ? std::ldexp((float)m, -24)
              : e == 31 ? (m ? NAN : INFINITY)
                        : std::ldexp((float)(1024 + m), e - 25);
    return h >> 15 ? -v : v;
}
uint16_t float_to_half(float f) {
    uint16_t sign = std::signbit(f) ? 0x8000 : 0;
    float a = std::fabs(f);
    if (std::isnan(f)) return 0x7e00;
    if (a >= 65520) return sign | 0x7c00;
    if (a < 0x1p-14f) return (uint16_t)(sign | (int)std::rint(std::ldexp(a, 24)));
    int e = std::ilogb(a);
    return (uint16_t)(sign + ((e + 15) << 10) + (int)std::rint(std::ldexp(a, 10 - e)) - 1024);
}
float bits_to_float(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
uint32_t float_to_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
float load(cudaDataType t, const void *p, int64_t i) {
    if (t == CUDA_R_32F) return ((const float *)p)[i];
    uint16_t h = ((const uint16_t *)p)[i];
    return t == CUDA_R_16F ? half_to_float(h) : bits_to_float((uint32_t)h << 16);
}
void store(cudaDataType t, void *p, int64_t i, float v) {
    uint32_t u = float_to_bits(v);
    if (t == CUDA_R_32F)
        ((float *)p)[i] = v;
    else if (t == CUDA_R_16F)
        ((uint16_t *)p)[i] = float_to_half(v);
    else
        ((uint16_t *)p)[i] =
            std::isnan(v) ? 0x7fc0 : (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
float cut_to_tf32(float v) {
    return bits_to_float(float_to_bits(v) & ~0x1fffu);
}

/* ---- a product ---- */

struct entry {
    int64_t column;
    float value;
};

/* The stored values of a row; false where an index is none. */
bool row_of(const cusparseSpMatDescr &a, int64_t row, std::vector<entry> *out) {
    out->clear();
    if (a.format == CUSPARSE_FORMAT_CSR) {
        int64_t from = a.offsets[row], to = a.offsets[row + 1];
        if (from < 0 || to < from || to > a.stored) return false;
        for (int64_t i = from; i < to; i++)
            out->push_back({a.columns[i], load(a.type, a.values, i)});
    } else {
        bool ell = a.format == CUSPARSE_FORMAT_BLOCKED_ELL;
        int64_t br = row / a.block, r = row % a.block;
        int64_t from = ell ? br * a.width : a.offsets[br];
        int64_t to = ell ? from + a.width : a.offsets[br + 1];
        if (from < 0 || to < from || to > a.stored) return false;
        for (int64_t b = from; b < to; b++) {
            if (ell && a.columns[b] == -1) continue;
            int64_t at = ell ? row * a.width * a.block + (b - from) * a.block
                             : (b * a.block + r) * a.block;
            for (int64_t c = 0; c < a.block; c++) {
                float v = load(a.type, a.values, at + c);
                out->push_back({a.columns[b] * a.block + c,
                                ell && a.type == CUDA_R_32F ? cut_to_tf32(v) : v});
            }
        }
    }
    for (const entry &e : *out)
        if (e.column < 0 || e.column >= a.cols) return false;
    return true;
}

struct work {
    cusparseSpMatDescr a;
    cusparseDnMatDescr b, c;
    char *buffer;
    size_t size;
    bool is_active, backwards;
};

char sign_of(size_t i) {
    return (char)(i * 37 + 11);
}

void multiply(const void *ctx) {
    const work &w = *(const work *)ctx;
    bool good = true, tf32 = w.a.format == CUSPARSE_FORMAT_BLOCKED_ELL && w.a.type == CUDA_R_32F;
    for (size_t i = 0; w.is_active && i < w.size; i++) good &= w.buffer[i] == sign_of(i);
    if (!w.is_active && w.size) memset(w.buffer, 0xcd, w.size);
    std::vector<entry> row;
    for (int64_t i = 0; i < w.a.rows; i++) {
        bool sound = row_of(w.a, i, &row) && good;
        for (int64_t j = 0; j < w.b.cols; j++) {
            float sum = sound ? 0 : NAN;
            for (size_t e = 0; sound && e < row.size(); e++) {
                const entry &at = row[w.backwards ? row.size() - 1 - e : e];
                float x = load(w.b.type, w.b.values, j * w.b.ld + at.column);
                sum += at.value * (tf32 ? cut_to_tf32(x) : x);
            }
            store(w.c.type, w.c.values, j * w.c.ld + i, sum);
        }
    }
}

/* At once, or when the graph that the stream is captured for is launched: the emulator knows. */
void submit(cudaStream_t stream, const work &w) {
    typedef void (*fn)(void *, void (*)(const void *), const void *, size_t);
    static fn to = [] {
        const char *folder = getenv("TARE_BACKEND_DIR");
        std::string path = std::string(folder ? folder : ".") + "/tare-backend-cuda.so";
        void *module = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
        return module ? (fn)dlsym(module, "tare_emu_submit") : (fn) nullptr;
    }();
    if (to)
        to(stream, multiply, &w, sizeof w);
    else
        multiply(&w);
}

bool is_alg_of(cusparseFormat_t f, cusparseSpMMAlg_t alg) {
    if (f == CUSPARSE_FORMAT_BSR) return alg == CUSPARSE_SPMM_BSR_ALG1;
    if (f == CUSPARSE_FORMAT_BLOCKED_ELL) return alg == CUSPARSE_SPMM_BLOCKED_ELL_ALG1;
    return alg == CUSPARSE_SPMM_CSR_ALG1 || alg == CUSPARSE_SPMM_CSR_ALG2 ||
           alg == CUSPARSE_SPMM_CSR_ALG3;
}

cusparseStatus_t check(cusparseHandle_t h, cusparseOperation_t op_a, cusparseOperation_t op_b,
                       const void *alpha, cusparseConstSpMatDescr_t a,
                       cusparseConstDnMatDescr_t b, const void *beta, cusparseDnMatDescr_t c,
                       cudaDataType compute, cusparseSpMMAlg_t alg) {
    NEED(h && alpha && beta && a && b && c);
    NEED(op_a == CUSPARSE_OPERATION_NON_TRANSPOSE && op_b == CUSPARSE_OPERATION_NON_TRANSPOSE);
    NEED(a->rows == c->rows && a->cols == b->rows && b->cols == c->cols);
    NEED(is_alg_of(a->format, alg));
    NEED(*(const float *)alpha == 1 && *(const float *)beta == 0);
    bool c_type = c->type == CUDA_R_32F || c->type == a->type;
    if (a->type != b->type || !c_type || compute != CUDA_R_32F ||
        number("TARE_FAKE_CUSPARSE_REFUSE", -1) == (long)alg)
        return CUSPARSE_STATUS_NOT_SUPPORTED;
    return CUSPARSE_STATUS_SUCCESS;
}

/* BSR needs none; that of the others depends on all that it may. */
size_t room_of(cusparseConstSpMatDescr_t a, int64_t columns, cusparseSpMMAlg_t alg) {
    if (alg == CUSPARSE_SPMM_BSR_ALG1) return 0;
    if (alg == CUSPARSE_SPMM_BLOCKED_ELL_ALG1) return (size_t)(16 * a->width + columns);
    return (size_t)(4 * (a->rows + 1) + 8 * columns + (alg == CUSPARSE_SPMM_CSR_ALG1 ? 72 : 0));
}

template <class T> cusparseStatus_t give(T *out, T made) {
    *out = made;
    live++;
    return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t make(cusparseConstSpMatDescr_t *out, const cusparseSpMatDescr &m,
                      cusparseIndexType_t index, cusparseIndexBase_t base) {
    NEED(out && m.rows > 0 && m.cols > 0);
    NEED(index == CUSPARSE_INDEX_32I && base == CUSPARSE_INDEX_BASE_ZERO);
    NEED(m.rows < INT32_MAX && m.cols < INT32_MAX && m.stored < INT32_MAX);
    NEED(is_type(m.type));
    NEED(is_aligned(m.columns, 4) && is_aligned(m.values, bytes_of(m.type)));
    NEED(m.format == CUSPARSE_FORMAT_BLOCKED_ELL || is_aligned(m.offsets, 4));
    return give(out, (cusparseConstSpMatDescr_t) new cusparseSpMatDescr(m));
}

} // namespace

extern "C" {

long tare_fake_cusparse_live(void) {
    return live;
}
long tare_fake_cusparse_calls(void) {
    return calls;
}
/* Products whose workspace another stream had used last. */
long tare_fake_cusparse_shared(void) {
    return shared;
}

cusparseStatus_t cusparseGetProperty(libraryPropertyType what, int *value) {
    *value = what == MAJOR_VERSION   ? 12
             : what == MINOR_VERSION ? (int)number("TARE_FAKE_CUSPARSE_VERSION", 6)
                                     : 0;
    return CUSPARSE_STATUS_SUCCESS;
}
const char *cusparseGetErrorName(cusparseStatus_t s) {
    return s == CUSPARSE_STATUS_NOT_SUPPORTED      ? "CUSPARSE_STATUS_NOT_SUPPORTED"
           : s == CUSPARSE_STATUS_ALLOC_FAILED     ? "CUSPARSE_STATUS_ALLOC_FAILED"
           : s == CUSPARSE_STATUS_EXECUTION_FAILED ? "CUSPARSE_STATUS_EXECUTION_FAILED"
                                                   : "CUSPARSE_STATUS_INVALID_VALUE";
}

cusparseStatus_t cusparseCreate(cusparseHandle_t *handle) {
    ENTER;
    return give(handle, new cusparseContext{nullptr, {}});
}
static cusparseStatus_t set_stream(cusparseHandle_t handle, cudaStream_t stream) {
    ENTER;
    NEED(handle);
    handle->stream = stream;
    handle->set_by = std::this_thread::get_id();
    return CUSPARSE_STATUS_SUCCESS;
}
/* Whoever shares the handle without a lock gets the time to come between. */
cusparseStatus_t cusparseSetStream(cusparseHandle_t handle, cudaStream_t stream) {
    cusparseStatus_t s = set_stream(handle, stream);
    std::this_thread::yield();
    return s;
}

cusparseStatus_t cusparseCreateConstCsr(cusparseConstSpMatDescr_t *out, int64_t rows, int64_t cols,
                                        int64_t nnz, const void *offsets, const void *columns,
                                        const void *values, cusparseIndexType_t offsets_type,
                                        cusparseIndexType_t columns_type, cusparseIndexBase_t base,
                                        cudaDataType type) {
    ENTER;
    NEED(nnz >= 0 && nnz <= rows * cols && offsets_type == columns_type);
    cusparseSpMatDescr m = {};
    m.format = CUSPARSE_FORMAT_CSR;
    m.rows = rows, m.cols = cols, m.stored = nnz;
    m.offsets = (const int32_t *)offsets, m.columns = (const int32_t *)columns;
    m.values = values, m.type = type;
    return make(out, m, columns_type, base);
}
cusparseStatus_t cusparseCreateConstBsr(cusparseConstSpMatDescr_t *out, int64_t brows,
                                        int64_t bcols, int64_t bnnz, int64_t block_rows,
                                        int64_t block_columns, const void *offsets,
                                        const void *columns, const void *values,
                                        cusparseIndexType_t offsets_type,
                                        cusparseIndexType_t columns_type, cusparseIndexBase_t base,
                                        cudaDataType type, cusparseOrder_t order) {
    ENTER;
    NEED(bnnz >= 0 && bnnz <= brows * bcols && offsets_type == columns_type);
    NEED(block_rows == block_columns && block_rows > 0 && order == CUSPARSE_ORDER_ROW);
    cusparseSpMatDescr m = {};
    m.format = CUSPARSE_FORMAT_BSR;
    m.rows = brows * block_rows, m.cols = bcols * block_columns, m.stored = bnnz;
    m.block = block_rows;
    m.offsets = (const int32_t *)offsets, m.columns = (const int32_t *)columns;
    m.values = values, m.type = type;
    return make(out, m, columns_type, base);
}
cusparseStatus_t cusparseCreateConstBlockedEll(cusparseConstSpMatDescr_t *out, int64_t rows,
                                               int64_t cols, int64_t block, int64_t ell_cols,
                                               const void *columns, const void *values,
                                               cusparseIndexType_t index, cusparseIndexBase_t base,
                                               cudaDataType type) {
    ENTER;
    NEED(block > 1 && block <= rows && ell_cols > 0 && ell_cols <= cols);
    NEED(rows % block == 0 && cols % block == 0 && ell_cols % block == 0);
    cusparseSpMatDescr m = {};
    m.format = CUSPARSE_FORMAT_BLOCKED_ELL;
    m.rows = rows, m.cols = cols, m.block = block, m.width = ell_cols / block;
    m.stored = rows / block * m.width;
    m.columns = (const int32_t *)columns, m.values = values, m.type = type;
    return make(out, m, index, base);
}
/* What is destroyed is gone, whatever the call says. */
cusparseStatus_t cusparseDestroySpMat(cusparseConstSpMatDescr_t m) {
    std::lock_guard<std::recursive_mutex> held(lock);
    live--;
    delete m;
    return enter();
}

cusparseStatus_t cusparseCreateDnMat(cusparseDnMatDescr_t *out, int64_t rows, int64_t cols,
                                     int64_t ld, void *values, cudaDataType type,
                                     cusparseOrder_t order) {
    ENTER;
    NEED(out && rows > 0 && cols > 0 && ld >= rows);
    NEED(order == CUSPARSE_ORDER_COL && is_type(type) && is_aligned(values, bytes_of(type)));
    return give(out, new cusparseDnMatDescr{rows, cols, ld, values, type});
}
cusparseStatus_t cusparseCreateConstDnMat(cusparseConstDnMatDescr_t *out, int64_t rows,
                                          int64_t cols, int64_t ld, const void *values,
                                          cudaDataType type, cusparseOrder_t order) {
    return cusparseCreateDnMat((cusparseDnMatDescr_t *)out, rows, cols, ld, (void *)values, type,
                               order);
}
cusparseStatus_t cusparseDestroyDnMat(cusparseConstDnMatDescr_t m) {
    std::lock_guard<std::recursive_mutex> held(lock);
    live--;
    delete m;
    return enter();
}

cusparseStatus_t cusparseSpMM_bufferSize(cusparseHandle_t h, cusparseOperation_t op_a,
                                         cusparseOperation_t op_b, const void *alpha,
                                         cusparseConstSpMatDescr_t a, cusparseConstDnMatDescr_t b,
                                         const void *beta, cusparseDnMatDescr_t c,
                                         cudaDataType compute, cusparseSpMMAlg_t alg,
                                         size_t *size) {
    ENTER;
    cusparseStatus_t s = check(h, op_a, op_b, alpha, a, b, beta, c, compute, alg);
    if (s == CUSPARSE_STATUS_SUCCESS) *size = room_of(a, c->cols, alg);
    return s;
}

cusparseStatus_t cusparseSpMM_preprocess(cusparseHandle_t h, cusparseOperation_t op_a,
                                         cusparseOperation_t op_b, const void *alpha,
                                         cusparseConstSpMatDescr_t a, cusparseConstDnMatDescr_t b,
                                         const void *beta, cusparseDnMatDescr_t c,
                                         cudaDataType compute, cusparseSpMMAlg_t alg,
                                         void *buffer) {
    ENTER;
    cusparseStatus_t s = check(h, op_a, op_b, alpha, a, b, beta, c, compute, alg);
    if (s != CUSPARSE_STATUS_SUCCESS) return s;
    size_t size = room_of(a, c->cols, alg);
    NEED(buffer || !size);
    for (size_t i = 0; i < size; i++) ((char *)buffer)[i] = sign_of(i);
    a->active = buffer;
    a->alg = alg;
    a->active_columns = c->cols;
    last_used.erase(buffer);
    return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t cusparseSpMM(cusparseHandle_t h, cusparseOperation_t op_a,
                              cusparseOperation_t op_b, const void *alpha,
                              cusparseConstSpMatDescr_t a, cusparseConstDnMatDescr_t b,
                              const void *beta, cusparseDnMatDescr_t c, cudaDataType compute,
                              cusparseSpMMAlg_t alg, void *buffer) {
    ENTER;
    cusparseStatus_t s = check(h, op_a, op_b, alpha, a, b, beta, c, compute, alg);
    if (s != CUSPARSE_STATUS_SUCCESS) return s;
    NEED(h->set_by == std::this_thread::get_id());
    work w = {*a, *b, *c, (char *)buffer, room_of(a, c->cols, alg), false, false};
    NEED(buffer || !w.size);
    w.is_active = w.size && a->active == buffer;
    NEED(!w.is_active || (a->alg == alg && a->active_columns == c->cols));
    /* Only these say that they repeat. */
    w.backwards = alg != CUSPARSE_SPMM_BSR_ALG1 && alg != CUSPARSE_SPMM_CSR_ALG3 &&
                  a->type == CUDA_R_32F && turn++ % 2;
    if (w.size) {
        auto used = last_used.find(buffer);
        if (used != last_used.end() && used->second != h->stream) shared++;
        last_used[buffer] = h->stream;
    }
    submit(h->stream, w);
    return CUSPARSE_STATUS_SUCCESS;
}

} // extern "C"
