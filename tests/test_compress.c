/* Pruning keeps exactly what it says, masks survive fine-tuning and encoding, and structured
 * pruning computes the sub-network. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "bench/rng.h"
#include "src/compress/prune.h"
#include "src/compress/quantize.h"
#include "src/internal.h"
#include "src/train/trainer.h"

enum { IN = 20, OUT = 5, COUNT = 128 };
static uint8_t image[COUNT * IN], label[COUNT];

static mlp random_net(uint64_t seed) {
    const int64_t width[] = {IN, 16, 12, OUT};
    mlp net;
    cr_assert_eq(mlp_create(3, width, &net), TARE_OK);
    mlp_init(&net, seed);
    bench_rng r;
    bench_rng_seed(&r, seed, 7);
    for (int l = 0; l < 3; l++)
        for (int64_t i = 0; i < width[l + 1]; i++) net.b[l][i] = (float)bench_rng_normal(&r) * 0.1f;
    return net;
}

static dataset noise(void) {
    bench_rng r;
    bench_rng_seed(&r, 1, 0);
    for (int i = 0; i < COUNT * IN; i++) image[i] = (uint8_t)bench_rng_below(&r, 256);
    for (int i = 0; i < COUNT; i++) label[i] = (uint8_t)bench_rng_below(&r, OUT);
    return (dataset){.count = COUNT, .width = IN, .classes = OUT, .image = image, .label = label};
}

static gemm cpu_gemm(void) {
    tare_device *d = NULL;
    gemm g;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(gemm_open(d, &g), TARE_OK);
    return g;
}

Test(prune, magnitude_drops_exactly_the_share_and_the_smallest) {
    mlp net = random_net(1);
    mlp_mask mask;
    cr_assert_eq(prune_magnitude(&net, 0.8, &mask), TARE_OK);
    for (int l = 0; l < 2; l++) {
        int64_t count = mlp_weights(&net, l), gone = 0;
        float most_gone = 0, least_kept = INFINITY;
        for (int64_t i = 0; i < count; i++) {
            float a = fabsf(net.w[l][i]);
            gone += !mask.keep[l][i];
            if (mask.keep[l][i] && a < least_kept) least_kept = a;
            if (!mask.keep[l][i] && a > most_gone) most_gone = a;
        }
        cr_assert_eq(gone, llround(0.8 * (double)count));
        cr_assert_leq(most_gone, least_kept);
    }
    for (int64_t i = 0; i < mlp_weights(&net, 2); i++) cr_assert(mask.keep[2][i]);
    mlp_mask_clear(&mask);
    mlp_clear(&net);
}

static void check_group(const float *w, const uint8_t *keep, int n, int m) {
    int kept = 0;
    for (int i = 0; i < m; i++) kept += keep[i];
    cr_assert_eq(kept, n);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++)
            if (keep[i] && !keep[j]) cr_assert_geq(fabsf(w[i]), fabsf(w[j]));
}

Test(prune, n_of_m_keeps_the_n_largest_of_each_group) {
    const int kinds[][2] = {{2, 4}, {1, 4}};
    mlp net = random_net(2);
    for (int q = 0; q < 2; q++) {
        mlp_mask mask;
        cr_assert_eq(prune_nm(&net, kinds[q][0], kinds[q][1], &mask), TARE_OK);
        for (int l = 0; l < 2; l++)
            for (int64_t i = 0; i < mlp_weights(&net, l); i += 4)
                check_group(net.w[l] + i, mask.keep[l] + i, kinds[q][0], 4);
        mlp_mask_clear(&mask);
    }
    mlp_clear(&net);
}

/* What pruning kept, what fine-tuning moved and what encoding stored are the same places. */
Test(prune, masks_hold_through_fine_tuning_and_encoding) {
    dataset d = noise();
    mlp net = random_net(3);
    mlp_mask mask;
    gemm g = cpu_gemm();
    train_options o = {.epochs = 2, .batch = 32, .rate = 1e-2f, .seed = 1, .mask = &mask};
    cr_assert_eq(prune_nm(&net, 2, 4, &mask), TARE_OK);
    mlp before;
    cr_assert_eq(mlp_copy(&net, &before), TARE_OK);
    cr_assert_eq(train_run(&net, &g, &d, &o, NULL), TARE_OK, "%s", tare_last_error());
    coding c = {.scheme = "2:4", .format = "2:4/f32", .last = "f32", .x = TARE_F32};
    model m;
    cr_assert_eq(compress_encode(&net, &c, &m), TARE_OK, "%s", tare_last_error());
    int64_t moved = 0;
    for (int l = 0; l < 2; l++)
        for (int64_t row = 0; row < net.width[l + 1]; row++) {
            float w[IN];
            int64_t k = net.width[l];
            cr_assert_eq(tare_decode_row(&m.layer[l].w, row, w), TARE_OK);
            for (int64_t j = 0; j < k; j++) {
                int64_t at = row * k + j;
                if (!mask.keep[l][at]) cr_assert_eq(net.w[l][at], 0);
                cr_assert_eq(w[j], net.w[l][at]);
                moved += mask.keep[l][at] && net.w[l][at] != before.w[l][at];
            }
        }
    cr_assert_gt(moved, 100);
    model_clear(&m);
    mlp_mask_clear(&mask);
    mlp_clear(&net);
    mlp_clear(&before);
    gemm_close(&g);
}

/* Silencing neurons of the whole network gives what the narrower one gives. */
Test(prune, structured_equals_the_sub_network) {
    mlp net = random_net(4), narrow;
    gemm g = cpu_gemm();
    mlp_pass a, b;
    cr_assert_eq(prune_neurons(&net, 0.5, &narrow), TARE_OK, "%s", tare_last_error());
    const int64_t want[] = {IN, 8, 6, OUT};
    cr_assert_eq(memcmp(narrow.width, want, sizeof want), 0);
    /* Which neurons stayed is told by their biases, which are all different. */
    for (int l = 0; l < 2; l++)
        for (int64_t j = 0; j < net.width[l + 1]; j++) {
            int stays = 0;
            for (int64_t i = 0; i < narrow.width[l + 1]; i++)
                stays |= narrow.b[l][i] == net.b[l][j];
            for (int64_t r = 0; !stays && r < net.width[l + 2]; r++)
                net.w[l + 1][r * net.width[l + 1] + j] = 0;
        }
    dataset d = noise();
    cr_assert_eq(mlp_pass_create(&net, COUNT, &a), TARE_OK);
    cr_assert_eq(mlp_pass_create(&narrow, COUNT, &b), TARE_OK);
    dataset_inputs(&d, NULL, 0, COUNT, a.act[0]);
    dataset_inputs(&d, NULL, 0, COUNT, b.act[0]);
    cr_assert_eq(mlp_forward(&net, &g, &a, COUNT), TARE_OK);
    cr_assert_eq(mlp_forward(&narrow, &g, &b, COUNT), TARE_OK);
    double spread = 0;
    for (int i = 0; i < COUNT * OUT; i++) {
        cr_assert_float_eq(a.act[3][i], b.act[3][i], 1e-5);
        spread += fabs((double)a.act[3][i]);
    }
    cr_assert_gt(spread, 10);
    mlp_pass_clear(&a);
    mlp_pass_clear(&b);
    mlp_clear(&net);
    mlp_clear(&narrow);
    gemm_close(&g);
}

/* A neuron that nothing listens to goes first, whatever its own weights. */
Test(prune, structured_drops_what_matters_least) {
    mlp net = random_net(5), narrow;
    for (int64_t c = 0; c < IN; c++) net.w[0][3 * IN + c] = 100;
    for (int64_t r = 0; r < 12; r++) net.w[1][r * 16 + 3] = 0;
    cr_assert_eq(prune_neurons(&net, 0.5, &narrow), TARE_OK);
    for (int64_t i = 0; i < narrow.width[1]; i++) cr_assert_neq(narrow.w[0][i * IN], 100);
    mlp_clear(&net);
    mlp_clear(&narrow);
}

Test(prune, refuses_what_is_not_a_number) {
    mlp net = random_net(6), narrow;
    mlp_mask mask;
    net.w[1][17] = NAN;
    cr_assert_eq(prune_magnitude(&net, 0.5, &mask), TARE_E_VALUE);
    cr_assert(strstr(tare_last_error(), "layer 1: weight [1,1]"), "%s", tare_last_error());
    cr_assert_eq(prune_nm(&net, 2, 4, &mask), TARE_E_VALUE);
    cr_assert_eq(prune_neurons(&net, 0.5, &narrow), TARE_E_VALUE);
    net.w[1][17] = 0;
    cr_assert_eq(prune_magnitude(&net, 1.0, &mask), TARE_E_ARG);
    cr_assert_eq(prune_magnitude(&net, (double)NAN, &mask), TARE_E_ARG);
    cr_assert_eq(prune_nm(&net, 4, 4, &mask), TARE_E_ARG);
    mlp_clear(&net);
}

Test(quantize, an_unknown_format_is_refused_and_nothing_is_left) {
    mlp net = random_net(7);
    coding c = {.scheme = "x", .format = "i8-row", .last = "i9", .x = TARE_F32};
    model m;
    cr_assert_neq(compress_encode(&net, &c, &m), TARE_OK);
    cr_assert_eq(m.layers, 0);
    mlp_clear(&net);
}
