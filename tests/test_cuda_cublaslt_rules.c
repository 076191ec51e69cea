/* The fake cuBLASLt holds to the library's documented rules: what our rows never do is an error
 * there. Each case is a product that works but for one thing. */
#include <criterion/criterion.h>
#include <cublasLt.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 16, COLUMNS = 3, K = 32 };

typedef struct product {
    cudaDataType in, out;
    cublasComputeType_t compute;
    cudaDataType scale;
    int32_t op_a, bias_type, mode;
    uint32_t epilogue, schemes;
    uint64_t n, k;
    int64_t lda, ldy;
    size_t room, off; /* of the workspace; of A's address from 256 */
    int no_algorithm;
} product;

static const product f16 = {CUDA_R_16F,
                            CUDA_R_16F,
                            CUBLAS_COMPUTE_32F,
                            CUDA_R_32F,
                            CUBLAS_OP_T,
                            -1,
                            0,
                            CUBLASLT_EPILOGUE_DEFAULT,
                            CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE,
                            N,
                            K,
                            K,
                            N,
                            1 << 21,
                            0,
                            0};

static product int8(void) {
    product p = f16;
    p.in = CUDA_R_8I;
    p.out = p.scale = CUDA_R_32I;
    p.compute = CUBLAS_COMPUTE_32I;
    return p;
}
static product f8(void) {
    product p = f16;
    p.in = CUDA_R_8F_E4M3;
    p.mode = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
    return p;
}

static void *fake;
static void open_fake(void) {
    char path[1000];
    snprintf(path, sizeof path, "%s/libcublasLt.so.13", getenv("TARE_CUDA_LIBRARIES"));
    fake = dlopen(path, RTLD_NOW);
    cr_assert_not_null(fake, "%s", dlerror());
}

#define FN(name) ((__typeof__(&name))dlsym(fake, #name))
#define TRY(call)                                                                                  \
    do {                                                                                           \
        cublasStatus_t s_ = (call);                                                                \
        if (s_ != CUBLAS_STATUS_SUCCESS) return s_;                                                \
    } while (0)

static cublasStatus_t set(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t what,
                          const void *value, size_t bytes) {
    return FN(cublasLtMatmulDescSetAttribute)(d, what, value, bytes);
}

static cublasStatus_t describe(const product *p, const void *vector, cublasLtMatmulDesc_t *d) {
    TRY(FN(cublasLtMatmulDescCreate)(d, p->compute, p->scale));
    TRY(set(*d, CUBLASLT_MATMUL_DESC_TRANSA, &p->op_a, sizeof p->op_a));
    TRY(set(*d, CUBLASLT_MATMUL_DESC_EPILOGUE, &p->epilogue, sizeof p->epilogue));
    TRY(set(*d, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &vector, sizeof vector));
    TRY(set(*d, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &p->bias_type, sizeof p->bias_type));
    if (!p->mode) return CUBLAS_STATUS_SUCCESS;
    TRY(set(*d, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, &p->mode, sizeof p->mode));
    TRY(set(*d, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, &p->mode, sizeof p->mode));
    TRY(set(*d, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &vector, sizeof vector));
    return set(*d, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &vector, sizeof vector);
}

/* Objects are left to the end of the process. */
static cublasStatus_t attempt(const product *p, char *mem) {
    static const int32_t int_one = 1, int_zero = 0;
    static const float float_one = 1, float_zero = 0;
    const void *one = p->scale == CUDA_R_32I ? (const void *)&int_one : &float_one,
               *zero = p->scale == CUDA_R_32I ? (const void *)&int_zero : &float_zero;
    char *a = mem + p->off, *b = mem + 65536, *y = mem + 2 * 65536, *space = mem + 4 * 65536;
    cublasLtHandle_t h;
    cublasLtMatmulDesc_t d;
    cublasLtMatrixLayout_t la, lb, ly;
    cublasLtMatmulPreference_t pref;
    cublasLtMatmulHeuristicResult_t r[8];
    uint64_t room = p->room;
    int count;
    TRY(FN(cublasLtCreate)(&h));
    TRY(describe(p, mem + 3 * 65536, &d));
    TRY(FN(cublasLtMatrixLayoutCreate)(&la, p->in, p->k, p->n, p->lda));
    TRY(FN(cublasLtMatrixLayoutCreate)(&lb, p->in, p->k, COLUMNS, p->lda));
    TRY(FN(cublasLtMatrixLayoutCreate)(&ly, p->out, p->n, COLUMNS, p->ldy));
    TRY(FN(cublasLtMatmulPreferenceCreate)(&pref));
    TRY(FN(cublasLtMatmulPreferenceSetAttribute)(pref, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                 &room, sizeof room));
    TRY(FN(cublasLtMatmulPreferenceSetAttribute)(pref, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                                 &p->schemes, sizeof p->schemes));
    TRY(FN(cublasLtMatmulAlgoGetHeuristic)(h, d, la, lb, ly, ly, pref, 8, r, &count));
    cr_assert_eq(count, 4);
    return FN(cublasLtMatmul)(h, d, one, a, la, b, lb, zero, y, ly, y, ly,
                              p->no_algorithm ? NULL : &r[3].algo, space,
                              p->room > 1 << 21 ? 0 : p->room, NULL);
}

static cublasStatus_t status_of(product p) {
    char *mem = aligned_alloc(256, 4 * 65536 + (1 << 21));
    if (!fake) open_fake();
    memset(mem, 0, 4 * 65536 + (1 << 21));
    cublasStatus_t s = attempt(&p, mem);
    free(mem);
    return s;
}

#define WITH(base, change, expected)                                                               \
    do {                                                                                           \
        product p = base;                                                                          \
        p.change;                                                                                  \
        cr_expect_eq(status_of(p), CUBLAS_STATUS_##expected, #base " with " #change);              \
    } while (0)

Test(cuda_cublaslt_rules, what_works) {
    cr_expect_eq(status_of(f16), CUBLAS_STATUS_SUCCESS);
    cr_expect_eq(status_of(int8()), CUBLAS_STATUS_SUCCESS);
    cr_expect_eq(status_of(f8()), CUBLAS_STATUS_SUCCESS);
    WITH(f16, out = CUDA_R_32F, SUCCESS);
    WITH(f16, ldy = N + 1, SUCCESS);
    WITH(f16, epilogue = CUBLASLT_EPILOGUE_RELU, SUCCESS);
    WITH(f8(), mode = 0, SUCCESS);
}

Test(cuda_cublaslt_rules, floats) {
    WITH(f16, out = CUDA_R_16BF, NOT_SUPPORTED);
    WITH(f16, scale = CUDA_R_16F, NOT_SUPPORTED);
    WITH(f16, compute = CUBLAS_COMPUTE_32F_FAST_TF32, NOT_SUPPORTED);
    WITH(f16, compute = CUBLAS_COMPUTE_16F, NOT_SUPPORTED);
    WITH(f16, op_a = CUBLAS_OP_N, NOT_SUPPORTED);
    WITH(f16, lda = K - 1, INVALID_VALUE);
    WITH(f16, ldy = N - 1, INVALID_VALUE);
    WITH(f16, mode = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F, INVALID_VALUE);
    WITH(f16, schemes = CUBLASLT_REDUCTION_SCHEME_MASK, INVALID_VALUE);
    product bias = f16;
    bias.epilogue = CUBLASLT_EPILOGUE_BIAS;
    WITH(bias, bias_type = CUDA_R_16F, SUCCESS);
    WITH(bias, bias_type = CUDA_R_32F, NOT_SUPPORTED);
}

Test(cuda_cublaslt_rules, int8s) {
    WITH(int8(), out = CUDA_R_32F, NOT_SUPPORTED);
    WITH(int8(), scale = CUDA_R_32F, NOT_SUPPORTED);
    WITH(int8(), op_a = CUBLAS_OP_N, NOT_SUPPORTED);
    WITH(int8(), epilogue = CUBLASLT_EPILOGUE_RELU, NOT_SUPPORTED);
    WITH(int8(), n = N - 1, NOT_SUPPORTED);
    WITH(int8(), k = K - 1, NOT_SUPPORTED);
    WITH(int8(), lda = K + 2, NOT_SUPPORTED);
    WITH(int8(), ldy = N + 2, NOT_SUPPORTED);
}

Test(cuda_cublaslt_rules, f8s) {
    WITH(f8(), op_a = CUBLAS_OP_N, NOT_SUPPORTED);
    WITH(f8(), compute = CUBLAS_COMPUTE_32F_FAST_TF32, NOT_SUPPORTED);
    WITH(f8(), epilogue = CUBLASLT_EPILOGUE_BIAS, NOT_SUPPORTED);
    WITH(f8(), n = N - 4, NOT_SUPPORTED);
    WITH(f8(), k = K - 4, NOT_SUPPORTED);
    WITH(f8(), lda = K + 8, NOT_SUPPORTED);
    WITH(f8(), ldy = N + 4, NOT_SUPPORTED);
    WITH(f8(), mode = CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F, INVALID_VALUE);
}

Test(cuda_cublaslt_rules, memory) {
    WITH(f16, off = 16, INVALID_VALUE);
    WITH(f16, room = (1 << 21) + 1, INVALID_VALUE); /* promised more than is there */
    WITH(f16, no_algorithm = 1, INVALID_VALUE);
}
