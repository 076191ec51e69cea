/* What the files of the library share. Hidden from the outside; tests link the objects directly. */
#ifndef TARE_INTERNAL_H
#define TARE_INTERNAL_H

#include <tare/backend.h>
#include <tare/tare.h>

#include "src/parallel.h"

/* Formats, records of weights and layouts are the bytes that lie in memory, and what is defined to
 * the bit counts on floats that are computed as floats. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tare's formats are little-endian");
_Static_assert(__FLT_EVAL_METHOD__ == 0, "float arithmetic must round to float");

/* Sets the thread's error text and returns s: `return tare_fail(...)` is one thought. */
tare_status tare_fail(tare_status s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TARE_FAIL(status, ...) return tare_fail((status), __VA_ARGS__)
#define TARE_TRY(call)                                                                             \
    do {                                                                                           \
        tare_status try_status_ = (call);                                                          \
        if (try_status_ != TARE_OK) return try_status_;                                            \
    } while (0)

/* All allocation of the library goes through these, so that tests can make the n-th one fail.
 * 64-byte aligned; zeroed when asked; size 0 gives a unique pointer. Data lies on huge pages where
 * the system has them (src/arena.h). */
void *tare_alloc(size_t bytes);
void *tare_alloc_zeroed(size_t bytes);
void tare_free(void *p);
/* The n-th allocation from now (1 = the next) fails, once; 0 switches off. For tests. */
void tare_alloc_fail_at(long n);
long tare_alloc_live(void); /* blocks not yet freed, for tests */

/* a * b and a + b for sizes; 0 on overflow. */
int tare_mul_size(size_t a, size_t b, size_t *out);
int tare_add_size(size_t a, size_t b, size_t *out);

/* ---- element types (src/type.c) ---- */
size_t tare_type_bytes(tare_type t); /* 0 for i4, which is half a byte */
const char *tare_type_name(tare_type t);
float tare_f16_to_f32(uint16_t h);
uint16_t tare_f32_to_f16(float f); /* nearest even, overflows to infinity */
static inline float tare_bf16_to_f32(uint16_t h) {
    union {
        uint32_t u;
        float f;
    } v = {(uint32_t)h << 16};
    return v.f;
}
uint16_t tare_f32_to_bf16(float f); /* nearest even, NaN stays NaN */
float tare_f8_to_f32(uint8_t v);
uint8_t tare_f32_to_f8(float f); /* nearest even, past 448 stays 448 */
/* Element i of an array of type t as float, and back. */
float tare_load(tare_type t, const void *p, size_t i);
void tare_store(tare_type t, void *p, size_t i, float v);

/* ---- devices and backends (src/registry.c, src/module.c) ---- */
struct tare_device {
    const tare_backend *backend;
    void *state;
    uint64_t features;
    tare_device_info info;
    tare_rates rates;
};
void tare_registry_init(void);
/* Whether a table is one of ours and whole (src/check.c). Reads nothing behind abi and struct_size
 * before they agree. */
tare_status tare_registry_check(const tare_backend *b);
/* The same of what a device says of itself: texts are terminated and cleaned in place, sizes that
 * make no sense become 0; an id that is no name, and rates that are no numbers, are errors. */
tare_status tare_check_info(tare_device_info *info);
tare_status tare_check_rates(const tare_rates *r);
/* Adds a backend's devices; the refusal is kept and returned as an error. Also used by tests. */
tare_status tare_registry_add(const tare_backend *b);
void tare_registry_refuse(const char *name, const char *reason);
void tare_module_scan(void); /* opens every module library of the backend directory */
extern const tare_backend tare_cpu_backend;

/* ---- problems (src/problem.c) ---- */
enum { TARE_X_QUANTISED = TARE_X_I8 | TARE_X_F8 };
/* The one of them that goes with such weights; 0: none does. */
static inline uint32_t tare_x_quantised(const tare_format *f) {
    return f->value == TARE_F8 ? TARE_X_F8 : f->scaling ? TARE_X_I8 : 0;
}
/* Why the flags do not go with the types of a problem; null: they do. */
const char *tare_flags_odd(const tare_problem *p);
int tare_same_format(const tare_format *a, const tare_format *b);
int tare_same_problem(const tare_problem *a, const tare_problem *b);

/* ---- the answer in parts (src/reference.c) ---- */
/* A row of x as doubles, quantised where the problem says so; all NaN where it is not finite then.
 */
void tare_reference_x(const tare_problem *p, const void *x, int64_t row, double *out);
/* One element of y and its magnitude from such a row and a row of W. */
void tare_reference_one(const tare_problem *p, const double *x, const double *w, float bias,
                        double *y, double *mag);

/* ---- is y right? (src/verify.c) ---- */
typedef struct tare_verify tare_verify;
/* What y must be where it will be looked at; x holds all m rows, bias may be null. */
tare_status tare_verify_make(const tare_problem *p, const tare_tensor *t, const void *x,
                             const float *bias, tare_verify **out);
/* y[m*n], which was filled with NaN before the run. TARE_E_UNSUPPORTED, "wrong: y[3,17] is ...",
 * where it is not right: the words that tare_decline keeps. */
tare_status tare_verify_check(const tare_verify *v, const void *y);
void tare_verify_free(tare_verify *v);

/* ---- measured costs (src/tune.c) ---- */
/* ns a run took when tuned, or a negative number. */
double tare_tuned_cost(const tare_device *d, const tare_problem *p, const char *kernel);

/* ---- rows that declined (src/declined.c) ---- */
/* Keeps the last error as the reason why the plan's row can't do the plan's problem on its device,
 * where s is TARE_E_UNSUPPORTED; returns s. */
tare_status tare_decline(const tare_plan *plan, tare_status s);
/* Whether that was so earlier in this process; fills why. */
int tare_declined(const tare_device *d, const tare_problem *p, const char *kernel, char why[160]);
void tare_declined_forget(void); /* for tests, whose failures pass */

/* ---- planning (src/plan.c) ---- */
/* Why a row whose features the device lacks is refused; 1: it lacks none. */
int tare_plan_features(const tare_device *d, const tare_kernel *row, char why[160]);
/* Tests one row against a problem: features, then fit. 1: `out` is a plan; 0: `why` is set. */
int tare_plan_row(tare_device *d, const tare_kernel *row, const tare_problem *p,
                  const tare_plan_options *o, tare_plan *out, char why[160]);
/* Rows that TARE_ROWS_WITHOUT names are refused with these words, where they would have accepted
 * (src/without.c). */
#define TARE_LEFT_OUT "left out by TARE_ROWS_WITHOUT"
int tare_row_left_out(const char *name);
/* TARE_E_ARG where it names a row that no device has; opens the modules where it names any. */
tare_status tare_rows_without_check(void);
/* Where no row accepts: the reasons that matter, in one line (src/refusal.c). */
void tare_plan_reasons(tare_device *d, const tare_problem *p, const tare_plan_options *o, char *out,
                       size_t size);
/* The same as an error, TARE_E_UNSUPPORTED; where `o` names a row, with that row's reason. */
tare_status tare_plan_refusal(tare_device *d, const tare_problem *p, const tare_plan_options *o);

/* ---- objects ---- */
struct tare_packed {
    tare_plan plan;
    void *mem; /* the backend's address or handle */
    size_t bytes;
};
/* A second blob with the content of the first, copied on the device. TARE_E_UNSUPPORTED where the
 * row keeps something beside the blob, or the backend does not copy. */
tare_status tare_packed_copy(const tare_packed *p, tare_stream *s, tare_packed **out);
/* Makes the blob one of a plan that differs in m alone; 0 where the row does not allow that. */
int tare_packed_rebind(tare_packed *p, const tare_plan *plan);
struct tare_stream {
    tare_device *device;
    parallel_host lent; /* fn null: runs are on the process's threads */
    void *state;
    void *scratch;
    size_t scratch_bytes;
    int recording; /* a graph is: 1, and 2 once a run has failed in it */
};
/* TARE_E_ARG while a graph is: whatever waits for a stream, or moves its scratch, would spoil it.
 */
tare_status tare_not_recording(const tare_stream *s);
struct tare_graph {
    tare_device *device;
    void *state;
    const tare_stream *stream; /* it was recorded on */
    size_t scratch_bytes;      /* that the stream had then */
};
struct tare_buffer {
    tare_device *device;
    void *mem;
    size_t bytes;
    int borrowed;
};

#endif
