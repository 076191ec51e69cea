/* The metric: classes of all test images by the kernels that are timed, at batch 256; and a look
 * whether the kernels of batch 1 class the same. */
#include <math.h>
#include <string.h>

#include "bench/stats.h"
#include "src/demo/demo.h"
#include "src/demo/progress.h"
#include "src/internal.h"

static uint8_t top(const float *y, int64_t classes) {
    int best = 0;
    for (int c = 1; c < classes; c++) best = y[c] > y[best] ? c : best;
    return (uint8_t)best;
}

static tare_status predict(exec *e, const dataset *data, int64_t count, uint8_t *out) {
    if (e->inputs != data->width || e->outputs != data->classes)
        TARE_FAIL(TARE_E_SHAPE, "demo: the model and the test images disagree");
    for (int64_t at = 0; at < count; at += e->batch) {
        int64_t m = count - at < e->batch ? count - at : e->batch;
        dataset_inputs(data, NULL, at, m, e->input);
        TARE_TRY(exec_run(e, m));
        for (int64_t i = 0; i < m; i++) out[at + i] = top(e->output + i * e->outputs, e->outputs);
    }
    return TARE_OK;
}

static tare_status judge_route(const dataset *test, const demo_result *base, demo_result *r) {
    uint8_t *one = r->predicted + test->count; /* batch 1's answers behind batch 256's */
    int64_t few = test->count < DEMO_AGREE ? test->count : DEMO_AGREE;
    TARE_TRY(predict(&r->ready[DEMO_B256], test, test->count, r->predicted));
    TARE_TRY(predict(&r->ready[DEMO_B1], test, few, one));
    r->images = test->count;
    for (int64_t i = 0; i < test->count; i++) {
        int mine = r->predicted[i] == test->label[i], theirs = base->predicted[i] == test->label[i];
        r->right += mine;
        r->won += mine && !theirs;
        r->lost += theirs && !mine;
    }
    for (int64_t i = 0; i < few; i++) r->b1_disagree += one[i] != r->predicted[i];
    r->top1[0] = (double)r->right / (double)r->images;
    bench_wilson(r->right, r->images, &r->top1[1], &r->top1[2]);
    r->p = bench_mcnemar_exact(r->lost, r->won);
    return TARE_OK;
}

tare_status demo_top1(demo *d) {
    const dataset *test = &d->data.test;
    progress_step(d->bar, 0.02, "classing %lld test images along %d routes", (long long)test->count,
                  d->count);
    for (int i = 0; i < d->count; i++) {
        demo_result *r = &d->result[i];
        r->predicted = tare_alloc_zeroed((size_t)test->count + DEMO_AGREE);
        if (!r->predicted) TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
        r->top1[0] = r->top1[1] = r->top1[2] = r->p = NAN;
        if (!r->refusal[0]) TARE_TRY(judge_route(test, demo_base(d, r), r));
        progress_at(d->bar, (double)(i + 1) / d->count);
    }
    return TARE_OK;
}
