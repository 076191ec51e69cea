/* Schemes: what one writes on the command line for "weights coded so, activations so".
 *
 *   f32 bf16 f16                    weights, x and y all of that type
 *   tf32                            f32, and products may be cut to tf32
 *   w8a8 w8a16 w8a32                int8 weights, a scale a row; x int8 a row / bf16 / f32
 *   w8a8-bf16                       w8a8 with x and y in bf16
 *   fp8                             f8 (e4m3) weights, a scale a row; x f8 a row from bf16
 *   w4a8 w4a16 w4a32 [-g32|64|128]  int4 weights, a scale a group (128 unless said)
 *     ...-z                         with zero points (w8, w4)
 *   2:4  2:4-i8  2:4-fp8            two of four kept, f32, int8 or f8 values (x f32; int8, f8 a
 *                                   row)
 *   csr@S  bsrRxC@S                 f32 values, a share S of them zero; S is 0.9 or 90%, to a
 *                                   millionth
 *   bitmap@S  bitmap-i8@S           the same as bitmaps, f32 or int8 values
 *   ...-f16                         of 2:4 csr bsrRxC bitmap: values, x and y in f16; of a16: x and
 *                                   y in f16 ("w4a16-f16-g64"); 2:4-bf16
 *
 * x and y are f32 except: f16, bf16, fp8, and a16 (bf16). Weights of a16 may be rounded to x's type
 * (TARE_W_ROUND). */
#ifndef TARE_BENCH_SCHEME_H
#define TARE_BENCH_SCHEME_H

#include <tare/tare.h>

/* The family decides whose baseline a scheme is. */
enum bench_family { BENCH_FLOAT = 1, BENCH_INT8, BENCH_INT4, BENCH_SPARSE };

typedef struct bench_scheme {
    char name[40]; /* canonical: "w4a16-g128", "csr@0.9" */
    enum bench_family family;
    tare_format w;
    tare_type x, y;
    uint32_t flags;
    double
        sparsity; /* share of zeros asked for, of single values or of whole blocks; 0 where dense */
} bench_scheme;

enum { BENCH_SCHEMES_MAX = 64 };

/* How weights are coded, the finest first. */
enum bench_coding { BENCH_FLOATS, BENCH_8_BIT, BENCH_4_BIT };
/* Whether the scheme is dense with a coding in finest..coarsest. */
int bench_scheme_dense(const bench_scheme *s, enum bench_coding finest, enum bench_coding coarsest);
/* The coarsest coding of the dense schemes that a scheme has to beat. A sparse one: its own, since
 * who accepts that coding has its dense scheme to choose instead. A dense one: the next finer,
 * since it is that scheme itself; floats are held against each other. */
enum bench_coding bench_scheme_has_to_beat(const bench_scheme *s);

tare_status bench_scheme_parse(const char *text, bench_scheme *out);
/* A comma-separated list without repetitions. */
tare_status bench_scheme_list(const char *text, bench_scheme out[BENCH_SCHEMES_MAX], int *count);
/* The dense schemes that everything is judged against: floats, int8, int4. Null past the end. */
const char *bench_baseline(int index);
/* Whether rows of the device make something of TARE_TF32: tf32 is a baseline of its own then. */
int bench_tf32_counts(tare_device *d);
/* Values, or whole blocks, that a scheme with a share of zeros drops some of: how many of so many,
 * and what an encoding of an n x k matrix without zeros then stores. */
int64_t bench_scheme_units(const bench_scheme *s, int64_t n, int64_t k);
int64_t bench_scheme_dropped(double sparsity, int64_t units);
int64_t bench_scheme_nnz(const bench_scheme *s, int64_t n, int64_t k);
/* The scheme's problem for an encoded tensor. */
tare_problem bench_scheme_problem(const bench_scheme *s, const tare_tensor *t, int64_t m);

#endif
