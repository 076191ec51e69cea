/* The trainer: gradients against finite differences, learning on a tiny made-up set, and the same
 * seed giving the same weights. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "bench/rng.h"
#include "src/internal.h"
#include "src/train/trainer.h"

static tare_device *cpu(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

/* Four classes: the quarter of the image that is bright. */
enum { SIDE = 6, WIDTH = SIDE * SIDE, COUNT = 512 };
static uint8_t image[COUNT * WIDTH], label[COUNT];

static dataset quarters(uint64_t seed) {
    bench_rng r;
    bench_rng_seed(&r, seed, 0);
    for (int i = 0; i < COUNT; i++) {
        label[i] = (uint8_t)bench_rng_below(&r, 4);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int here = (y >= SIDE / 2) * 2 + (x >= SIDE / 2) == label[i];
                image[i * WIDTH + y * SIDE + x] =
                    (uint8_t)(bench_rng_below(&r, 128) + (here ? 64 : 0));
            }
    }
    return (dataset){.count = COUNT, .width = WIDTH, .classes = 4, .image = image, .label = label};
}

static mlp small_net(uint64_t seed) {
    const int64_t width[] = {WIDTH, 24, 12, 4};
    mlp net;
    cr_assert_eq(mlp_create(3, width, &net), TARE_OK);
    mlp_init(&net, seed);
    return net;
}

static double loss_of(const mlp *net, gemm *g, mlp_pass *p, const uint8_t *y, int64_t m) {
    cr_assert_eq(mlp_forward(net, g, p, m), TARE_OK, "%s", tare_last_error());
    return mlp_loss(net, p, y, m);
}

/* Which hidden units are on, as a hash. */
static uint64_t switches(const mlp *net, const mlp_pass *p, int64_t m) {
    uint64_t h = 0;
    for (int l = 1; l < net->layers; l++)
        for (int64_t i = 0; i < m * net->width[l]; i++)
            h = h * 6364136223846793005u + (p->act[l][i] > 0) + 1;
    return h;
}

/* Central differences at f32 carry an error of some eps * loss / h = 1e-4. Where a unit switches
 * between the two points the loss has a kink and the difference means nothing: 0, not counted. */
static int check_parameter(mlp *net, gemm *g, mlp_pass *p, float *at, double want) {
    const float h = 2e-3f, was = *at;
    *at = was + h;
    double up = loss_of(net, g, p, label, 16);
    uint64_t on = switches(net, p, 16);
    *at = was - h;
    double down = loss_of(net, g, p, label, 16);
    *at = was;
    if (switches(net, p, 16) != on) return 0;
    double slope = (up - down) / (2.0 * (double)h);
    cr_expect(fabs(slope - want) < 1e-3 + 0.01 * fabs(want), "gradient %g, difference %g", want,
              slope);
    return 1;
}

Test(train, gradients_match_finite_differences) {
    dataset d = quarters(3);
    mlp net = small_net(5);
    mlp_pass p;
    gemm g;
    bench_rng r;
    bench_rng_seed(&r, 9, 0);
    double seen = 0;
    int checked = 0;
    cr_assert_eq(gemm_open(cpu(), &g), TARE_OK);
    cr_assert_eq(mlp_pass_create(&net, 16, &p), TARE_OK);
    dataset_inputs(&d, NULL, 0, 16, p.act[0]);
    loss_of(&net, &g, &p, label, 16);
    cr_assert_eq(mlp_backward(&net, &g, &p, 16), TARE_OK, "%s", tare_last_error());
    mlp grad;
    cr_assert_eq(mlp_copy(&p.grad, &grad), TARE_OK);
    for (int l = 0; l < net.layers; l++) {
        for (int i = 0; i < 40; i++) {
            uint64_t at = bench_rng_below(&r, (uint64_t)mlp_weights(&net, l));
            checked += check_parameter(&net, &g, &p, &net.w[l][at], (double)grad.w[l][at]);
            seen += fabs((double)grad.w[l][at]);
        }
        for (int64_t i = 0; i < net.width[l + 1]; i++)
            checked += check_parameter(&net, &g, &p, &net.b[l][i], (double)grad.b[l][i]);
    }
    cr_assert_gt(checked, 100, "only %d of 160 were away from kinks", checked);
    cr_assert_gt(seen, 0.1); /* or the comparison would be of noughts */
    mlp_clear(&grad);
    mlp_pass_clear(&p);
    mlp_clear(&net);
    gemm_close(&g);
}

static train_options options(int epochs, uint64_t seed) {
    return (train_options){.epochs = epochs, .batch = 64, .rate = 3e-3f, .seed = seed};
}

static mlp trained(int epochs, uint64_t seed, const mlp_mask *mask, double *loss) {
    dataset d = quarters(3);
    mlp net = small_net(seed);
    gemm g;
    train_options o = options(epochs, seed);
    o.mask = mask;
    cr_assert_eq(gemm_open(cpu(), &g), TARE_OK);
    cr_assert_eq(train_run(&net, &g, &d, &o, loss), TARE_OK, "%s", tare_last_error());
    gemm_close(&g);
    return net;
}

Test(train, the_loss_falls_and_the_set_is_learnt) {
    double loss[30];
    mlp net = trained(30, 1, NULL, loss);
    dataset fresh = quarters(77);
    uint8_t predicted[COUNT];
    gemm g;
    cr_assert_gt(loss[0], 0.7);
    cr_assert_lt(loss[29], 0.1);
    cr_assert_eq(gemm_open(cpu(), &g), TARE_OK);
    cr_assert_eq(train_predict(&net, &g, &fresh, predicted), TARE_OK, "%s", tare_last_error());
    cr_assert_gt(train_accuracy(&fresh, predicted), 0.9);
    gemm_close(&g);
    mlp_clear(&net);
}

static int same(const mlp *a, const mlp *b) {
    for (int l = 0; l < a->layers; l++)
        if (memcmp(a->w[l], b->w[l], (size_t)mlp_weights(a, l) * sizeof(float)) ||
            memcmp(a->b[l], b->b[l], (size_t)a->width[l + 1] * sizeof(float)))
            return 0;
    return 1;
}

Test(train, the_same_seed_gives_the_same_bits_and_another_does_not) {
    mlp a = trained(3, 11, NULL, NULL), b = trained(3, 11, NULL, NULL),
        c = trained(3, 12, NULL, NULL);
    cr_assert(same(&a, &b));
    cr_assert_not(same(&a, &c));
    mlp_clear(&a);
    mlp_clear(&b);
    mlp_clear(&c);
}

Test(train, masked_weights_stay_exactly_zero) {
    mlp shape = small_net(1);
    mlp_mask mask;
    bench_rng r;
    bench_rng_seed(&r, 4, 0);
    cr_assert_eq(mlp_mask_create(&shape, &mask), TARE_OK);
    for (int l = 0; l < shape.layers; l++)
        for (int64_t i = 0; i < mlp_weights(&shape, l); i++)
            mask.keep[l][i] = bench_rng_below(&r, 2) == 0;
    mlp net = trained(2, 11, &mask, NULL);
    int64_t alive = 0, kept = 0;
    for (int l = 0; l < net.layers; l++)
        for (int64_t i = 0; i < mlp_weights(&net, l); i++) {
            if (!mask.keep[l][i]) cr_assert_eq(net.w[l][i], 0);
            kept += mask.keep[l][i];
            alive += net.w[l][i] != 0;
        }
    cr_assert_eq(alive, kept);
    mlp_mask_clear(&mask);
    mlp_clear(&net);
    mlp_clear(&shape);
}

Test(train, a_network_of_another_shape_is_refused) {
    dataset d = quarters(3);
    d.width = 35;
    mlp net = small_net(1);
    gemm g;
    train_options o = options(1, 1);
    cr_assert_eq(gemm_open(cpu(), &g), TARE_OK);
    cr_assert_eq(train_run(&net, &g, &d, &o, NULL), TARE_E_SHAPE);
    gemm_close(&g);
    mlp_clear(&net);
}

/* Every allocation of a run fails once: an error each time, no leak (under ASan), no crash. */
Test(train, survives_every_failing_allocation) {
    dataset d = quarters(3);
    d.count = 64;
    int failures = 0;
    for (long n = 1; n < 400; n++) {
        mlp net = small_net(1);
        gemm g;
        train_options o = options(1, 1);
        cr_assert_eq(gemm_open(cpu(), &g), TARE_OK);
        tare_alloc_fail_at(n);
        tare_status s = train_run(&net, &g, &d, &o, NULL);
        tare_alloc_fail_at(0);
        gemm_close(&g);
        mlp_clear(&net);
        if (s == TARE_OK) break;
        cr_assert_eq(s, TARE_E_NOMEM, "status %d: %s", (int)s, tare_last_error());
        failures++;
    }
    cr_assert_gt(failures, 10);
    cr_assert_lt(failures, 399);
}

Test(train, transposes) {
    float in[35 * 19], out[35 * 19];
    for (int i = 0; i < 35 * 19; i++) in[i] = (float)i;
    gemm_transpose(35, 19, in, out);
    for (int r = 0; r < 35; r++)
        for (int c = 0; c < 19; c++) cr_assert_eq(out[c * 35 + r], in[r * 19 + c]);
}
