/* What is to be computed, checked once so that rows need not. */
#include "internal.h"

enum { LIMIT = INT32_MAX };

tare_problem tare_problem_matmul(const tare_tensor *t, int64_t m, tare_type x, tare_type y,
                                 uint32_t flags) {
    tare_problem p = {.op = TARE_MATMUL, .m = m, .x = x, .y = y, .flags = flags};
    p.n = t->n;
    p.k = t->k;
    p.nnz = t->nnz;
    p.w = t->format;
    return p;
}

int tare_same_format(const tare_format *a, const tare_format *b) {
    return a->value == b->value && a->layout == b->layout && a->scaling == b->scaling &&
           a->zero_points == b->zero_points && a->group == b->group && a->nm_n == b->nm_n &&
           a->nm_m == b->nm_m && a->block_r == b->block_r && a->block_c == b->block_c;
}

int tare_same_problem(const tare_problem *a, const tare_problem *b) {
    return a->op == b->op && a->m == b->m && a->n == b->n && a->k == b->k && a->nnz == b->nnz &&
           a->x == b->x && a->y == b->y && a->flags == b->flags && tare_same_format(&a->w, &b->w);
}

static int is_float(tare_type t) {
    return t == TARE_F32 || t == TARE_F16 || t == TARE_BF16;
}

static const uint32_t known = TARE_X_I8 | TARE_BIAS | TARE_RELU | TARE_SUM_F16 | TARE_X_F8 |
                              TARE_TF32 | TARE_W_ROUND | TARE_SUM_F8;

/* Flags against types. Null: they go together. */
const char *tare_flags_odd(const tare_problem *p) {
    tare_type w = p->w.value;
    if ((p->flags & TARE_X_I8) && w != TARE_I8 && w != TARE_I4)
        return "int8 activations need int8 or int4 weights";
    if ((p->flags & TARE_X_F8) && w != TARE_F8) return "f8 activations need f8 weights";
    if ((p->flags & TARE_SUM_F8) && !(p->flags & TARE_X_F8))
        return "short sums belong to f8 activations";
    if ((p->flags & TARE_SUM_F16) &&
        (p->w.layout != TARE_DENSE || w != TARE_F16 || p->x != TARE_F16 || p->y != TARE_F16))
        return "sums in f16 need W, x and y in dense f16";
    if ((p->flags & TARE_TF32) && (w != TARE_F32 || p->x != TARE_F32))
        return "tf32 needs W and x in f32";
    if ((p->flags & TARE_W_ROUND) &&
        (p->x == TARE_F32 || (p->flags & TARE_X_QUANTISED) || p->w.scaling == TARE_SCALE_NONE))
        return "weights are rounded where they are quantised and x is f16 or bf16, and not "
               "quantised";
    return NULL;
}

tare_status tare_problem_check(const tare_problem *p) {
    if (!p) TARE_FAIL(TARE_E_ARG, "problem: null");
    if (p->op != TARE_MATMUL) TARE_FAIL(TARE_E_ARG, "problem: unknown op %d", (int)p->op);
    if (p->m < 1 || p->n < 1 || p->k < 1 || p->m > LIMIT || p->n > LIMIT || p->k > LIMIT)
        TARE_FAIL(TARE_E_SHAPE, "problem: m %lld, n %lld, k %lld must lie in 1..2^31-1",
                  (long long)p->m, (long long)p->n, (long long)p->k);
    /* Two dimensions below 2^31 make at most 2^62 elements; 2^40 leaves room for any byte count. */
    if (p->m * p->k > (int64_t)1 << 40 || p->m * p->n > (int64_t)1 << 40 ||
        p->n * p->k > (int64_t)1 << 40)
        TARE_FAIL(TARE_E_SHAPE, "problem: more than 2^40 elements in a matrix");
    if (!is_float(p->x) || !is_float(p->y))
        TARE_FAIL(TARE_E_ARG, "problem: x and y must be f32, f16 or bf16");
    if (p->flags & ~known) TARE_FAIL(TARE_E_ARG, "problem: unknown flags 0x%x", (unsigned)p->flags);
    TARE_TRY(tare_format_check(&p->w));
    const char *odd = tare_flags_odd(p);
    if (odd) TARE_FAIL(TARE_E_ARG, "problem: %s", odd);
    size_t bytes[TARE_PARTS];
    return tare_tensor_size(&p->w, p->n, p->k, p->nnz, bytes);
}
