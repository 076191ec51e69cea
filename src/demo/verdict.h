/* Does it help? The rule, in one place.
 *
 * Every route is held against the best dense float route of the same run, f32 or bf16, whichever is
 * better in that respect: at batch 1, at batch 256, in size. The metric is held against f32.
 *
 *   size      HELPS 5 % or more below the best dense file, HURTS as much above it, else NEUTRAL
 *   latency   by the 95 % interval of the speed (dense median / median), as `tare bench` has it:
 *             HELPS wholly above 1.05, HURTS wholly below 0.95, NEUTRAL wholly between, else
 *             INCONCLUSIVE
 *   metric    a drop of more than 1 point of top-1: HURTS where McNemar's p < 0.05, else
 *             INCONCLUSIVE; a gain with p < 0.05: HELPS; else NEUTRAL
 *   overall   UNPROVEN without a latency or without a metric. HURTS where the metric does.
 *             INCONCLUSIVE where the metric is. HELPS where size or one latency helps;
 *             what it costs elsewhere is named as its price. HURTS where nothing helps and
 *             something hurts. INCONCLUSIVE where nothing helps and a latency is.
 *             Else NEUTRAL. */
#ifndef TARE_DEMO_VERDICT_H
#define TARE_DEMO_VERDICT_H

#include <stdint.h>

typedef enum demo_word {
    WORD_UNPROVEN,
    WORD_INCONCLUSIVE,
    WORD_HURTS,
    WORD_NEUTRAL,
    WORD_HELPS
} demo_word;
const char *demo_word_text(demo_word w);

typedef struct demo_verdict {
    demo_word size, latency[2], metric, overall;
} demo_verdict;

/* Size over the dense one; the interval of the speed: NaN where nothing was measured. */
demo_word demo_judge_size(double share);
demo_word demo_judge_latency(double lo, double hi);
/* Shares of right answers; p of McNemar's test. */
demo_word demo_judge_metric(double base, double share, double p);
demo_word demo_judge_overall(const demo_verdict *v);

#endif
