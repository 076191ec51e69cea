/* What is used of oneDNN's C interface, of both majors, so that no header of it is needed: names,
 * numbers and sizes of an ABI, which do not change within a major. Held against the headers of 2.0
 * to 2.7 and 3.0 to 3.13 (tests/test_onednn_api.c holds it against one that is installed).
 *
 * Objects are pointers to structs that only the library knows. A description of a matrix is a
 * struct of the caller's in 2.x and an object in 3.x; both are passed by their address, so most
 * functions are the same to a caller. What differs is hidden by cpu/lib/onednn_calls.c. */
#ifndef TARE_CPU_LIB_ONEDNN_API_H
#define TARE_CPU_LIB_ONEDNN_API_H

#include <stddef.h>
#include <stdint.h>

typedef int onednn_status; /* 0: success */
enum { ONEDNN_OK = 0, ONEDNN_NO_MEMORY = 1 };

typedef void *onednn_object;

enum { ONEDNN_MD_BYTES = 696, ONEDNN_MATMUL_BYTES = 2800, ONEDNN_DIMS = 12 }; /* of 2.x */

/* A description of a matrix. */
typedef union onednn_md {
    onednn_object object;                             /* 3.x */
    int64_t bytes[ONEDNN_MD_BYTES / sizeof(int64_t)]; /* 2.x */
} onednn_md;

typedef struct onednn_matmul { /* 2.x: the description of a product */
    int64_t bytes[ONEDNN_MATMUL_BYTES / sizeof(int64_t)];
} onednn_matmul;

typedef struct onednn_version {
    int major, minor, patch;
    const char *hash;
    unsigned cpu_runtime, gpu_runtime;
} onednn_version;
enum { ONEDNN_SEQUENTIAL = 1, ONEDNN_OPENMP = 2, ONEDNN_TBB = 4, ONEDNN_SYCL = 512 };

typedef struct onednn_argument {
    int name;
    onednn_object memory;
} onednn_argument;
enum {
    ONEDNN_SRC = 1,
    ONEDNN_FROM = 1,
    ONEDNN_DST = 17,
    ONEDNN_TO = 17,
    ONEDNN_WEIGHTS = 33,
    ONEDNN_BIAS = 41,
    ONEDNN_SCRATCHPAD = 80
};

enum { ONEDNN_CPU = 1 };               /* kind of engine */
enum { ONEDNN_IN_ORDER = 1 };          /* kind of stream */
enum { ONEDNN_USER_SCRATCH = 1 };      /* mode of the scratchpad */
enum { ONEDNN_STRICT = 0 };            /* mode of floating-point arithmetic */
enum { ONEDNN_ANY = 1, ONEDNN_A = 2 }; /* layouts: the library's choice; one dimension */
enum { ONEDNN_QUERY_WEIGHTS = 131, ONEDNN_QUERY_SCRATCHPAD = 136 };
enum {
    ONEDNN_F16 = 1,
    ONEDNN_BF16 = 2,
    ONEDNN_F32 = 3,
    ONEDNN_S32 = 4,
    ONEDNN_S8 = 5,
    ONEDNN_U8 = 6
};
enum { ONEDNN_RELU_2 = 0x1f, ONEDNN_RELU_3 = 0x20 }; /* by major */

/* Instruction sets, as bits: those of one include those it stands on. */
enum {
    ONEDNN_SSE41 = 0x1,
    ONEDNN_AVX = 0x3,
    ONEDNN_AVX2 = 0x7,
    ONEDNN_AVX2_VNNI_2X = 0x407, /* so in 2.x */
    ONEDNN_AVX2_VNNI = 0xf,      /* and so in 3.x */
    ONEDNN_AVX2_VNNI_2 = 0x1f,
    ONEDNN_AVX512 = 0x27,
    ONEDNN_AVX512_VNNI = 0x67,
    ONEDNN_AVX512_BF16 = 0xe7,
    ONEDNN_AVX512_FP16_2X = 0x1e7,
    ONEDNN_AVX512_FP16 = 0x1ef,
    ONEDNN_AVX512_AMX_2X = 0x3e7,
    ONEDNN_AVX512_AMX = 0xfef,
    ONEDNN_AVX512_AMX_FP16 = 0x1fef,
    ONEDNN_AVX10_2 = 0x201ff,
    ONEDNN_AVX10_2_AMX_2 = 0x22fff
};

typedef struct onednn_functions {
    const onednn_version *(*version)(void);
    onednn_status (*set_max_cpu_isa)(int isa);
    int (*get_effective_cpu_isa)(void);
    onednn_status (*engine_create)(onednn_object *engine, int kind, size_t index);
    onednn_status (*stream_create)(onednn_object *stream, onednn_object engine, unsigned flags);
    onednn_status (*stream_wait)(onednn_object stream);
    onednn_status (*stream_destroy)(onednn_object stream);
    onednn_status (*attr_create)(onednn_object *attr);
    onednn_status (*attr_destroy)(onednn_object attr);
    onednn_status (*attr_set_scratchpad_mode)(onednn_object attr, int mode);
    onednn_status (*attr_set_fpmath_mode)(onednn_object attr, int mode); /* may be null */
    onednn_status (*attr_set_post_ops)(onednn_object attr, onednn_object ops);
    onednn_status (*post_ops_create)(onednn_object *ops);
    onednn_status (*post_ops_destroy)(onednn_object ops);
    onednn_status (*pd_destroy)(onednn_object pd);
    const void *(*pd_query_md)(onednn_object pd, int what, int index);
    onednn_status (*reorder_pd_create)(onednn_object *pd, const void *from, onednn_object engine,
                                       const void *to, onednn_object to_engine, onednn_object attr);
    onednn_status (*primitive_create)(onednn_object *primitive, onednn_object pd);
    onednn_status (*primitive_execute)(onednn_object primitive, onednn_object stream, int count,
                                       const onednn_argument *arguments);
    onednn_status (*primitive_destroy)(onednn_object primitive);
    onednn_status (*memory_create)(onednn_object *memory, const void *md, onednn_object engine,
                                   void *at);
    onednn_status (*memory_destroy)(onednn_object memory);
    size_t (*md_get_size)(const void *md);
    /* 2.x */
    onednn_status (*md_init_by_strides)(void *md, int count, const int64_t *dims, int type,
                                        const int64_t *strides);
    onednn_status (*md_init_by_tag)(void *md, int count, const int64_t *dims, int type, int tag);
    onednn_status (*matmul_desc_init)(onednn_matmul *d, const void *x, const void *w,
                                      const void *bias, const void *y);
    onednn_status (*pd_create)(onednn_object *pd, const void *op, onednn_object attr,
                               onednn_object engine, onednn_object hint);
    onednn_status (*append_eltwise_2)(onednn_object ops, float scale, int kind, float alpha,
                                      float beta);
    /* 3.x */
    onednn_status (*md_create_with_strides)(onednn_object *md, int count, const int64_t *dims,
                                            int type, const int64_t *strides);
    onednn_status (*md_create_with_tag)(onednn_object *md, int count, const int64_t *dims, int type,
                                        int tag);
    onednn_status (*md_clone)(onednn_object *md, const void *from);
    onednn_status (*md_destroy)(onednn_object md);
    onednn_status (*matmul_pd_create)(onednn_object *pd, onednn_object engine, const void *x,
                                      const void *w, const void *bias, const void *y,
                                      onednn_object attr);
    onednn_status (*append_eltwise_3)(onednn_object ops, int kind, float alpha, float beta);
} onednn_functions;

#endif
