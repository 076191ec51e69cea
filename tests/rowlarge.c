/* The oracle for large shapes: multiply y by a random vector t and compare with x (W^T t), all in
 * fp64 but y itself. Costs (m + n) k instead of m n k, and shares no loop with the reference. */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { M = 70, N = 531, K = 1157 };

/* wt[k] = sum_n t[n] W[n,k]; aw[k] the same of magnitudes. */
static tare_status fold_weights(const tare_tensor *w, const double *t, double *wt, double *aw) {
    static double row[K];
    for (int j = 0; j < K; j++) wt[j] = aw[j] = 0;
    for (int i = 0; i < N; i++) {
        TARE_TRY(tare_decode_row_f64(w, i, row));
        for (int j = 0; j < K; j++) {
            wt[j] += t[i] * row[j];
            aw[j] += fabs(t[i] * row[j]);
        }
    }
    return TARE_OK;
}

static void load_row(const tare_problem *p, const float *x, double *out) {
    float a = 0;
    for (int j = 0; j < K; j++) a = fabsf(x[j]) > a ? fabsf(x[j]) : a;
    for (int j = 0; j < K; j++)
        out[j] = p->flags & TARE_X_I8 ? (double)(a / 127) * rintf(x[j] * (127 / a))
                 : p->flags & TARE_X_F8
                     ? (double)(a / 448) * (double)tare_f8_to_f32(tare_f32_to_f8(x[j] * (448 / a)))
                     : (double)x[j];
}

static int compare(const tare_problem *p, const tare_tensor *w, const float *x, const float *y,
                   uint64_t *state, char *what, size_t size) {
    static double t[N], wt[K], aw[K], xr[K];
    for (int i = 0; i < N; i++) t[i] = random_unit(state);
    if (fold_weights(w, t, wt, aw) != TARE_OK) return 0;
    for (int r = 0; r < M; r++) {
        double left = 0, right = 0, mag = 0, sum_t = 0;
        load_row(p, x + r * K, xr);
        for (int i = 0; i < N; i++) left += (double)y[r * N + i] * t[i];
        for (int i = 0; i < N; i++) sum_t += fabs((double)y[r * N + i] * t[i]);
        for (int j = 0; j < K; j++) right += xr[j] * wt[j];
        for (int j = 0; j < K; j++) mag += fabs(xr[j]) * aw[j];
        double bound = tare_error_bound(p, 0, mag) + sum_t * 0x1p-23;
        if (!(fabs(left - right) <= bound)) {
            snprintf(what, size, "row %d: (x W^T) t is %.9g, x (W^T t) is %.9g, bound %.3g", r,
                     left, right, bound);
            return 0;
        }
    }
    return 1;
}

static int check_format(tare_device *d, const tare_kernel *row, rowcheck *c, const char *name,
                        uint32_t flags) {
    tare_format f;
    tare_tensor t;
    uint64_t state = c->seed;
    if (tare_format_parse(name, &f) != TARE_OK) return 0;
    if (flags && f.scaling == TARE_SCALE_NONE) return 1;
    if (flags && f.value == TARE_F8) flags = TARE_X_F8 | TARE_SUM_F8;
    float *w = malloc(sizeof(float) * N * K), *x = malloc(sizeof(float) * M * K);
    float *y = malloc(sizeof(float) * M * N);
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    for (int i = 0; i < M * K; i++) x[i] = random_unit(&state);
    char why[160] = "";
    int ok = 1, made = tare_encode(&f, N, K, w, &t) == TARE_OK;
    tare_problem p =
        made ? tare_problem_matmul(&t, M, TARE_F32, TARE_F32, flags) : (tare_problem){0};
    tare_plan plan;
    tare_packed *packed = NULL;
    tare_stream *s = NULL;
    tare_buffer *xb = NULL, *yb = NULL;
    if (made && tare_plan_row(d, row, &p, NULL, &plan, why)) {
        size_t xn = sizeof(float) * M * K, yn = sizeof(float) * M * N;
        ok = tare_pack(&plan, &t, &packed) == TARE_OK && tare_stream_create(d, &s) == TARE_OK &&
             tare_stream_reserve(s, &plan) == TARE_OK &&
             tare_buffer_create(d, xn, &xb) == TARE_OK &&
             tare_buffer_create(d, yn, &yb) == TARE_OK &&
             tare_buffer_write(s, xb, 0, x, xn) == TARE_OK &&
             tare_run(&plan, packed, s, xb, NULL, yb, 0) == TARE_OK &&
             tare_buffer_read(s, yb, 0, y, yn) == TARE_OK && tare_stream_sync(s) == TARE_OK;
        snprintf(why, sizeof why, "%s", ok ? "" : tare_last_error());
        if (ok) ok = compare(&p, &t, x, y, &state, why, sizeof why);
        c->runs++;
    }
    if (!made || !ok)
        snprintf(c->failure, sizeof c->failure, "%s, weights %s flags %u at %dx%dx%d: %s",
                 row->name, name, (unsigned)flags, M, N, K, why);
    tare_packed_destroy(packed);
    tare_stream_destroy(s);
    tare_buffer_destroy(xb);
    tare_buffer_destroy(yb);
    if (made) tare_tensor_clear(&t);
    free(w);
    free(x);
    free(y);
    return made && ok;
}

int rowcheck_large(tare_device *d, const tare_kernel *row, rowcheck *c) {
    for (int i = 0; rowcheck_format(i); i++)
        for (int q = 0; q < 2; q++)
            if (!check_format(d, row, c, rowcheck_format(i), q ? TARE_X_I8 : 0)) return 0;
    return 1;
}
