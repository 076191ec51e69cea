/* What must hold of every row whatever the reference says: doubling x doubles y to the bit, x = 0
 * gives y = 0, and permuting rows of W permutes columns of y. */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 96, K = 136, M = 10 };

typedef struct setup {
    tare_device *d;
    const tare_kernel *row;
    tare_format f;
    const char *name;
    uint32_t flags;
} setup;

/* y = x W^T by this row; 0 when the row does not take the problem. */
static int multiply(const setup *s, const float *w, float *x, float *y) {
    tare_tensor t;
    tare_plan plan;
    tare_packed *packed = NULL;
    tare_stream *stream = NULL;
    tare_buffer *xb = NULL, *yb = NULL;
    char why[160];
    cr_assert_eq(tare_encode(&s->f, N, K, w, &t), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, M, TARE_F32, TARE_F32, s->flags);
    int fits = tare_plan_row(s->d, s->row, &p, NULL, &plan, why);
    if (fits) {
        cr_assert_eq(tare_pack(&plan, &t, &packed), TARE_OK);
        cr_assert_eq(tare_stream_create(s->d, &stream), TARE_OK);
        cr_assert_eq(tare_stream_reserve(stream, &plan), TARE_OK);
        cr_assert_eq(tare_buffer_create(s->d, sizeof(float) * M * K, &xb), TARE_OK);
        cr_assert_eq(tare_buffer_create(s->d, sizeof(float) * M * N, &yb), TARE_OK);
        cr_assert_eq(tare_buffer_write(stream, xb, 0, x, sizeof(float) * M * K), TARE_OK);
        cr_assert_eq(tare_run(&plan, packed, stream, xb, NULL, yb, 0), TARE_OK);
        cr_assert_eq(tare_buffer_read(stream, yb, 0, y, sizeof(float) * M * N), TARE_OK);
        cr_assert_eq(tare_stream_sync(stream), TARE_OK);
    }
    tare_packed_destroy(packed);
    tare_stream_destroy(stream);
    tare_buffer_destroy(xb);
    tare_buffer_destroy(yb);
    tare_tensor_clear(&t);
    return fits;
}

static float w[N * K], v[N * K], x[M * K], x2[M * K], y[M * N], z[M * N];

static int check_row(setup *s) {
    uint64_t state = 17;
    int64_t step = s->f.layout == TARE_BLOCK ? s->f.block_r : 1;
    fill_weights(w, N, K, &s->f, PATTERN_SPARSE, &state);
    fill_x(x, TARE_F32, M, K, &state);
    if (!multiply(s, w, x, y)) return 0;

    for (int i = 0; i < M * K; i++) x2[i] = 2 * x[i];
    multiply(s, w, x2, z);
    for (int i = 0; i < M * N; i++)
        cr_expect(z[i] == 2 * y[i], "%s %s: 2x gives %.9g, not 2 * %.9g", s->row->name, s->name,
                  (double)z[i], (double)y[i]);

    memset(x2, 0, sizeof x2);
    multiply(s, w, x2, z);
    for (int i = 0; i < M * N; i++)
        cr_expect(z[i] == 0, "%s %s: x = 0 gives %.9g", s->row->name, s->name, (double)z[i]);

    /* Swap neighbouring (block) rows of W; the last odd one stays. Sums may be reordered. */
    int64_t pairs = N / (2 * step) * 2 * step;
    for (int64_t i = 0; i < N; i++) {
        int64_t from = i < pairs ? ((i / step) ^ 1) * step + i % step : i;
        memcpy(v + i * K, w + from * K, K * sizeof *v);
    }
    multiply(s, v, x, z);
    for (int64_t r = 0; r < M; r++)
        for (int64_t i = 0; i < N; i++) {
            int64_t from = i < pairs ? ((i / step) ^ 1) * step + i % step : i;
            double off = fabs((double)z[r * N + i] - (double)y[r * N + from]);
            cr_expect(off <= 1e-3 * (r == 2 ? 100 : 1), "%s %s: row %lld moved, y did not follow",
                      s->row->name, s->name, (long long)i);
        }
    return 1;
}

Test(properties, of_every_row, .timeout = 600) {
    int checked = 0;
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        for (const tare_kernel *const *r = d->backend->rows; *r; r++)
            for (int f = 0; rowcheck_format(f); f++)
                for (uint32_t q = 0; q < 2; q++) {
                    setup s = {.d = d, .row = *r, .name = rowcheck_format(f)};
                    cr_assert_eq(tare_format_parse(s.name, &s.f), TARE_OK);
                    s.flags = q ? tare_x_quantised(&s.f) : 0;
                    if (((*r)->needs & ~d->features) || (q && s.f.scaling == TARE_SCALE_NONE))
                        continue;
                    checked += check_row(&s);
                }
    }
    fprintf(stderr, "properties: %d pairs of row and format\n", checked);
    cr_assert_gt(checked, 20);
}
