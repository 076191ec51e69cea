/* report.md: the table, and all that is needed to judge it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/demo/demo.h"
#include "src/internal.h"

/* "w8a8", or "w8a8 on opencl:0" where there are several devices. */
static const char *label(const demo *d, const demo_result *r, char out[128]) {
    snprintf(out, 128, "%s%s%s", r->route->name, d->devices > 1 ? " on " : "",
             d->devices > 1 ? r->on->info.id : "");
    return out;
}

static void where(FILE *f, const demo *d) {
    fprintf(f, "# Fashion-MNIST: what compression saves here\n\n| | |\n|---|---|\n");
    if (d->skipped[0]) fprintf(f, "| left out | %s |\n", d->skipped);
    for (int i = 0; i < d->devices; i++) {
        const tare_device_info *info = &d->on[i].info;
        fprintf(f, "| device | %s: %s |\n| features | %s |\n| runtime | tare %s, %s |\n", info->id,
                info->name, info->features, tare_version(), info->runtime);
        if (info->threads > 0) fprintf(f, "| threads | %d |\n", (int)info->threads);
    }
    fprintf(f, "| network | %lld", (long long)d->result[0].width[0]);
    for (int l = 1; l <= d->result[0].layers; l++)
        fprintf(f, "-%lld", (long long)d->result[0].width[l]);
    fprintf(f,
            ", ReLU |\n| data | %lld training and %lld test images |\n"
            "| training | seed %llu, %d epochs of Adam at batch 256, mean loss of the epochs",
            (long long)d->data.train.count, (long long)d->data.test.count,
            (unsigned long long)d->o.seed, d->o.epochs);
    for (int i = 0; i < d->o.epochs; i++) fprintf(f, " %.3f", d->epoch_loss[i]);
    fprintf(f,
            "; by `%s` on %s |\n| fine-tuning | %d epochs for each pruned route |\n"
            "| time | %.0f s in all, %.0f s of them training |\n\n",
            d->train_kernel ? d->train_kernel : "?", d->trainer.name, d->o.fine_epochs, d->all_s,
            d->train_s);
}

static void sizes(FILE *f, const demo *d) {
    fprintf(f, "## Size on disk, bytes\n\n| route | file | values | scales | zeros | indices | "
               "offsets | bias | container | total | weights left |\n"
               "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (int i = 0; i < d->count; i++) {
        const demo_result *r = &d->result[i];
        const char *slash = strrchr(r->file, '/');
        char name[128];
        fprintf(f, "| %s | %s |", label(d, r, name), slash ? slash + 1 : r->file);
        for (int p = 0; p < TARE_PARTS; p++) fprintf(f, " %zu |", r->size.part[p]);
        fprintf(f, " %zu | %zu | %zu | %.1f %% |\n", r->size.bias, r->size.container, r->size.total,
                100 * r->kept);
    }
}

static void times(FILE *f, const demo *d, int b) {
    fprintf(
        f,
        "\n## Latency at batch %lld, microseconds\n\n| route | p50 | 95 %% interval | p90 | p99 "
        "| samples | stopped by | outliers | speed | 95 %% interval | against w8a8 | images/s "
        "|\n|---|---:|---|---:|---:|---:|---|---:|---:|---|---:|---:|\n",
        (long long)demo_batch[b]);
    for (int i = 0; i < d->count; i++) {
        const demo_result *r = &d->result[i];
        const bench_result *t = &r->time[b];
        char name[128];
        if (r->refusal[0]) continue;
        fprintf(f, "| %s | %.1f | %.1f-%.1f |", label(d, r, name), t->median_ns / 1e3,
                t->ci_lo / 1e3, t->ci_hi / 1e3);
        if (t->n >= BENCH_TAIL_SAMPLES)
            fprintf(f, " %.1f | %.1f |", t->p90_ns / 1e3, t->p99_ns / 1e3);
        else
            fprintf(f, " - | - |");
        fprintf(f, " %zu | %s | %zu | %.2f | %.2f-%.2f | %.2f | %.0f |\n", t->n,
                bench_stop_name(t->stop), t->outliers, r->speed[b][0], r->speed[b][1],
                r->speed[b][2], r->speed_int8[b], (double)demo_batch[b] / (t->median_ns * 1e-9));
    }
    const bench_noise_log *n = &d->result[0].time[b].noise;
    fprintf(f,
            "\nNoise probe: %d probes, lowest %.0f of %.0f GFLOP/s around the samples kept; %d "
            "blocks measured again, %d samples set aside%s.\n",
            n->probes, n->worst, n->best, n->redone, n->set_aside,
            n->noisy ? "; the tries were used up and noisy samples were kept" : "");
}

static void metric(FILE *f, const demo *d) {
    fprintf(f, "\n## Metric\n\n| route | right | top-1 | 95 %% Wilson | only f32 right | only this "
               "right | McNemar p | batch 1 classes otherwise |\n|---|---:|---:|---|---:|---:|---:|"
               "---:|\n");
    for (int i = 0; i < d->count; i++) {
        const demo_result *r = &d->result[i];
        char name[128];
        if (r->refusal[0]) continue;
        fprintf(f, "| %s | %lld | %.2f %% | %.2f-%.2f | %lld | %lld | %.3g | %lld |\n",
                label(d, r, name), (long long)r->right, 100 * r->top1[0], 100 * r->top1[1],
                100 * r->top1[2], (long long)r->lost, (long long)r->won, r->p,
                (long long)r->b1_disagree);
    }
    fprintf(f,
            "\nMeasured by the kernels of batch 256; the last column counts, among the first %d "
            "images, those that the kernels of batch 1 class otherwise.\n",
            DEMO_AGREE);
}

static void verdicts(FILE *f, const demo *d) {
    fprintf(f, "\n## Verdicts\n\n| route | size | latency b1 | latency b256 | metric | overall "
               "|\n|---|---|---|---|---|---|\n");
    for (int i = 0; i < d->count; i++) {
        const demo_verdict *v = &d->result[i].verdict;
        char name[128];
        if (&d->result[i] == demo_base(d, &d->result[i])) continue;
        fprintf(f, "| %s | %s | %s | %s | %s | **%s** |\n", label(d, &d->result[i], name),
                demo_word_text(v->size), demo_word_text(v->latency[DEMO_B1]),
                demo_word_text(v->latency[DEMO_B256]), demo_word_text(v->metric),
                demo_word_text(v->overall));
    }
    fprintf(f,
            "\nEvery route is held against the best dense float route of its device and run, bf16 "
            "itself against f32, the metric always against f32. What the device has no kernel for "
            "did not run and is UNPROVEN.\n\n"
            "- size: HELPS 5 %% or more below, HURTS 5 %% or more above, else NEUTRAL\n"
            "- latency: by the 95 %% interval of the speed: HELPS wholly above 1.05, HURTS wholly "
            "below 0.95, NEUTRAL wholly between, else INCONCLUSIVE\n"
            "- metric: more than 1 point of top-1 lost is HURTS where p < 0.05, else INCONCLUSIVE; "
            "a gain with p < 0.05 is HELPS; else NEUTRAL\n"
            "- overall: UNPROVEN without latency or metric; HURTS or INCONCLUSIVE where the metric "
            "is; HELPS where size or a latency helps (the table names what gets worse for it); "
            "HURTS where nothing helps and something hurts\n\nThe best dense float routes:\n\n");
    for (int i = 0; i < d->devices; i++) {
        const demo_device *on = &d->on[i];
        fprintf(f, "- %s: latency at batch 1: %s, at batch 256: %s; size: %s\n", on->info.id,
                d->result[on->best[DEMO_B1]].route->name,
                d->result[on->best[DEMO_B256]].route->name, d->result[on->best_size].route->name);
    }
}

static void routes(FILE *f, const demo *d) {
    fprintf(f, "\n## Routes\n\n");
    for (int i = 0; i < d->count; i++) {
        const demo_result *r = &d->result[i];
        char name[128];
        fprintf(f, "- **%s**: %s; stored as %s", label(d, r, name), r->route->what, r->stored);
        if (r->refusal[0]) fprintf(f, "; did not run: %s", r->refusal);
        if (r->choice[0]) fprintf(f, ", the fastest of (batch 1 / batch 256): %s", r->choice);
        if (r->epochs) fprintf(f, "; last epoch's loss %.3f", r->loss);
        fprintf(f, "\n");
    }
    fprintf(
        f,
        "\nThe last layer of pruned networks stays dense. Fine-tuned routes have seen %d epochs "
        "more than f32.\n\n## How it was measured\n\nWhat was measured is what was read back "
        "from the file. A sample is one batch of test images, f32 in host memory, to scores in "
        "host memory, with every conversion in between. All routes take turns in random order; "
        "each runs untimed before its sample, so its weights are in the cache (hot). Kernels "
        "were chosen by measuring every row that "
        "fits, layer by layer.\n",
        d->o.fine_epochs);
}

tare_status demo_markdown(const demo *d, const char *table, char **out) {
    size_t size = 0;
    *out = NULL;
    FILE *f = open_memstream(out, &size);
    if (!f) TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
    where(f, d);
    fprintf(f, "```\n%s```\n\n", table);
    sizes(f, d);
    for (int b = 0; b < DEMO_BATCHES; b++) times(f, d, b);
    metric(f, d);
    verdicts(f, d);
    routes(f, d);
    if (fclose(f) != 0) {
        free(*out);
        *out = NULL;
        TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
    }
    return TARE_OK;
}
