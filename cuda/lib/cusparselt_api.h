/* cuSPARSELt's interface, as far as it is used: its header is no part of the toolkit, so what is
 * needed is declared here.
 *
 * Holds for 0.6.2 to 0.10, held against the headers of 0.6.2, 0.7.1, 0.8.0, 0.9.1 and
 * 0.10.0: functions and the numbers below are the same in all of them. What changed between them is
 * the size of the opaque structs, which the caller provides (13072 bytes each in 0.6, 1024 in 0.7,
 * 512 from 0.8 on, which wants them 16-byte aligned), so here they have room for the largest; and
 * cusparseLtMatmulAlgSelectionDestroy, which came with 0.8. Before 0.6 compute types had other
 * numbers. */
#ifndef TARE_CUDA_CUSPARSELT_API_H
#define TARE_CUDA_CUSPARSELT_API_H

#include <driver_types.h>
#include <library_types.h>
#include <stddef.h>
#include <stdint.h>

enum { CUSPARSELT_OPAQUE = 13120 }; /* at least 13072, a multiple of the alignment */

#define CUSPARSELT_STRUCT(name)                                                                    \
    typedef struct name {                                                                          \
        unsigned char opaque[CUSPARSELT_OPAQUE] __attribute__((aligned(64)));                      \
    } name
CUSPARSELT_STRUCT(cusparselt_handle);
CUSPARSELT_STRUCT(cusparselt_matrix);
CUSPARSELT_STRUCT(cusparselt_product);
CUSPARSELT_STRUCT(cusparselt_choice); /* of an algorithm */
CUSPARSELT_STRUCT(cusparselt_plan);

/* cusparseStatus_t, those that mean something here. */
enum {
    CUSPARSELT_OK = 0,
    CUSPARSELT_NOT_INITIALIZED = 1,
    CUSPARSELT_ALLOC_FAILED = 2,
    CUSPARSELT_INVALID_VALUE = 3,
    CUSPARSELT_ARCH_MISMATCH = 4,
    CUSPARSELT_EXECUTION_FAILED = 6,
    CUSPARSELT_TYPE_NOT_SUPPORTED = 8,
    CUSPARSELT_NOT_SUPPORTED = 10,
};

enum { CUSPARSELT_COLUMN_MAJOR = 1, CUSPARSELT_ROW_MAJOR = 2 };
enum { CUSPARSELT_AS_IT_IS = 0, CUSPARSELT_TRANSPOSED = 1 };
enum { CUSPARSELT_HALF_KEPT = 0 }; /* 2 of 4 */
enum { CUSPARSELT_SUM_I32, CUSPARSELT_SUM_F16, CUSPARSELT_SUM_F32 };
enum { CUSPARSELT_DEFAULT_ALGORITHM = 0 };

/* Attributes of a product. */
enum {
    CUSPARSELT_RELU = 0,          /* int: 1 applies it */
    CUSPARSELT_SPARSE_POINTER = 9 /* const void *: the pruned matrix on the device */
};

/* Functions by the names they have behind "cusparseLt"; statuses are cusparseStatus_t. `rows` and
 * `columns` are elements, `ld` from one row (or column) to the next, `alignment` of the address in
 * bytes. alpha and beta are floats whatever the types, on the host. */
typedef struct cusparselt_calls {
    int (*GetProperty)(libraryPropertyType what, int *value);
    int (*Init)(cusparselt_handle *h);
    int (*StructuredDescriptorInit)(const cusparselt_handle *h, cusparselt_matrix *a, int64_t rows,
                                    int64_t columns, int64_t ld, uint32_t alignment,
                                    cudaDataType type, int order, int sparsity);
    int (*DenseDescriptorInit)(const cusparselt_handle *h, cusparselt_matrix *b, int64_t rows,
                               int64_t columns, int64_t ld, uint32_t alignment, cudaDataType type,
                               int order);
    int (*MatDescriptorDestroy)(const cusparselt_matrix *a);
    int (*MatmulDescriptorInit)(const cusparselt_handle *h, cusparselt_product *p, int op_a,
                                int op_b, const cusparselt_matrix *a, const cusparselt_matrix *b,
                                const cusparselt_matrix *c, const cusparselt_matrix *d, int sums);
    int (*MatmulDescSetAttribute)(const cusparselt_handle *h, cusparselt_product *p, int which,
                                  const void *value, size_t bytes);
    int (*MatmulAlgSelectionInit)(const cusparselt_handle *h, cusparselt_choice *c,
                                  const cusparselt_product *p, int algorithm);
    int (*MatmulAlgSelectionDestroy)(const cusparselt_choice *c); /* null before 0.8 */
    int (*MatmulPlanInit)(const cusparselt_handle *h, cusparselt_plan *plan,
                          const cusparselt_product *p, const cusparselt_choice *c);
    int (*MatmulPlanDestroy)(const cusparselt_plan *plan);
    /* *valid, on the device: 0 where `a` keeps at most 2 of 4. */
    int (*SpMMAPruneCheck)(const cusparselt_handle *h, const cusparselt_product *p, const void *a,
                           int *valid, cudaStream_t s);
    int (*SpMMACompressedSize)(const cusparselt_handle *h, const cusparselt_plan *plan,
                               size_t *bytes, size_t *buffer_bytes);
    int (*SpMMACompress)(const cusparselt_handle *h, const cusparselt_plan *plan, const void *dense,
                         void *compressed, void *buffer, cudaStream_t s);
    /* Runs every algorithm and leaves the fastest in the plan and its choice. Blocks. */
    int (*MatmulSearch)(const cusparselt_handle *h, cusparselt_plan *plan, const void *alpha,
                        const void *a, const void *b, const void *beta, const void *c, void *d,
                        void *workspace, cudaStream_t *streams, int32_t count);
    int (*MatmulGetWorkspace)(const cusparselt_handle *h, const cusparselt_plan *plan,
                              size_t *bytes);
    int (*Matmul)(const cusparselt_handle *h, const cusparselt_plan *plan, const void *alpha,
                  const void *a, const void *b, const void *beta, const void *c, void *d,
                  void *workspace, cudaStream_t *streams, int32_t count);
} cusparselt_calls;

#endif
