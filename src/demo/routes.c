/* The table of routes. Where pruning leaves a choice of layouts, each is a candidate and the demo
 * measures which is fastest; the last layer of pruned networks stays dense (0.5 % of the weights).
 *
 * The rates of fine-tuning are those that gave the least *training* loss among 0.0005, 0.001 ...
 * 0.008 (seed 1): the more is gone, the further the rest must move. Test images had no say. */
#include "src/demo/routes.h"

#include <string.h>

#include "src/compress/prune.h"
#include "src/internal.h"
#include "src/train/trainer.h"

#define SPARSE                                                                                     \
    {                                                                                              \
        {.scheme = "csr", .format = "csr/f32", .last = "f32", .x = TARE_F32}, {                    \
            .scheme = "bitmap", .format = "bitmap/f32", .last = "f32", .x = TARE_F32               \
        }                                                                                          \
    }

const route demo_routes[] = {
    {.name = "f32",
     .what = "the trained network as it is",
     .dense_float = 1,
     .coding = {{.scheme = "f32", .format = "f32", .x = TARE_F32}}},
    {.name = "bf16",
     .what = "weights and activations rounded to bf16",
     .dense_float = 1,
     .coding = {{.scheme = "bf16", .format = "bf16", .x = TARE_BF16}}},
    {.name = "w8a8",
     .what = "int8 weights, a scale a row; activations quantised to int8 as they come",
     .coding = {{.scheme = "w8a8", .format = "i8-row", .x = TARE_F32, .x_i8 = 1}}},
    {.name = "w8a16",
     .what = "int8 weights, a scale a row; bf16 activations",
     .coding = {{.scheme = "w8a16", .format = "i8-row", .x = TARE_BF16}}},
    {.name = "w4a16-g64",
     .what = "int4 weights, an f16 scale each 64; bf16 activations",
     .coding = {{.scheme = "w4a16-g64", .format = "i4-g64", .x = TARE_BF16}}},
    {.name = "2:4",
     .what = "2 of each 4 neighbours kept, fine-tuned",
     .prune = PRUNE_NM,
     .amount = 0.5,
     .rate = 1e-3f,
     .coding = {{.scheme = "2:4", .format = "2:4/f32", .last = "f32", .x = TARE_F32},
                {.scheme = "2:4", .format = "2:4/bf16", .last = "bf16", .x = TARE_BF16}}},
    {.name = "sparse-50",
     .what = "the smaller half of the weights gone, fine-tuned",
     .prune = PRUNE_MAGNITUDE,
     .amount = 0.5,
     .rate = 1e-3f,
     .coding = SPARSE},
    {.name = "sparse-80",
     .what = "the smallest 80 % of the weights gone, fine-tuned",
     .prune = PRUNE_MAGNITUDE,
     .amount = 0.8,
     .rate = 4e-3f,
     .coding = SPARSE},
    {.name = "sparse-95",
     .what = "the smallest 95 % of the weights gone, fine-tuned",
     .prune = PRUNE_MAGNITUDE,
     .amount = 0.95,
     .rate = 8e-3f,
     .coding = SPARSE},
    {.name = "narrow-50",
     .what = "half of the hidden neurons gone (smaller matrices), fine-tuned",
     .prune = PRUNE_NEURONS,
     .amount = 0.5,
     .rate = 1e-3f,
     .coding = {{.scheme = "narrow-50", .format = "f32", .x = TARE_F32}}},
    {0},
};

int demo_route_count(void) {
    int n = 0;
    while (demo_routes[n].name) n++;
    return n;
}

static tare_status prune(const route *r, const mlp *base, mlp *out, mlp_mask *mask) {
    if (r->prune == PRUNE_NEURONS) return prune_neurons(base, r->amount, out);
    TARE_TRY(mlp_copy(base, out));
    if (r->prune == PRUNE_NM) return prune_nm(base, 2, 4, mask);
    if (r->prune == PRUNE_MAGNITUDE) return prune_magnitude(base, r->amount, mask);
    return TARE_OK;
}

tare_status route_prune_and_tune(const route *r, const mlp *base, gemm *g, const dataset *train,
                                 uint64_t seed, int epochs,
                                 int (*progress)(void *ctx, double done, double loss), void *ctx,
                                 mlp *out, double *loss) {
    enum { MOST_EPOCHS = 1000 };
    double each[MOST_EPOCHS];
    mlp_mask mask = {0};
    memset(out, 0, sizeof *out);
    if (epochs < 1 || epochs > MOST_EPOCHS)
        TARE_FAIL(TARE_E_ARG, "demo: %d epochs, 1 to %d are possible", epochs, MOST_EPOCHS);
    tare_status s = prune(r, base, out, &mask);
    if (s == TARE_OK && r->prune != KEEP_ALL) {
        train_options o = {.epochs = epochs,
                           .batch = 256,
                           .rate = r->rate,
                           .seed = seed,
                           .mask = mask.layers ? &mask : NULL,
                           .progress = progress,
                           .ctx = ctx};
        s = train_run(out, g, train, &o, each);
        if (s == TARE_OK) *loss = each[epochs - 1];
    }
    mlp_mask_clear(&mask);
    if (s != TARE_OK) mlp_clear(out);
    return s;
}
