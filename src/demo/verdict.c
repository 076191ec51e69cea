/* The rule of verdict.h. */
#include "src/demo/verdict.h"

#include <math.h>

static const double margin = 0.05, tolerance = 0.01, significant = 0.05;

const char *demo_word_text(demo_word w) {
    static const char *const text[] = {"UNPROVEN", "INCONCLUSIVE", "HURTS", "NEUTRAL", "HELPS"};
    return text[w];
}

demo_word demo_judge_size(double share) {
    if (!(share > 0)) return WORD_UNPROVEN;
    return share <= 1 - margin ? WORD_HELPS : share >= 1 + margin ? WORD_HURTS : WORD_NEUTRAL;
}

demo_word demo_judge_latency(double lo, double hi) {
    if (!isfinite(lo) || !isfinite(hi)) return WORD_UNPROVEN;
    if (lo > 1 + margin) return WORD_HELPS;
    if (hi < 1 - margin) return WORD_HURTS;
    return lo >= 1 - margin && hi <= 1 + margin ? WORD_NEUTRAL : WORD_INCONCLUSIVE;
}

demo_word demo_judge_metric(double base, double share, double p) {
    if (!isfinite(base) || !isfinite(share) || !isfinite(p)) return WORD_UNPROVEN;
    if (base - share > tolerance) return p < significant ? WORD_HURTS : WORD_INCONCLUSIVE;
    return share > base && p < significant ? WORD_HELPS : WORD_NEUTRAL;
}

static int any(const demo_verdict *v, demo_word w) {
    return v->size == w || v->latency[0] == w || v->latency[1] == w;
}

demo_word demo_judge_overall(const demo_verdict *v) {
    if (v->metric == WORD_UNPROVEN || v->latency[0] == WORD_UNPROVEN ||
        v->latency[1] == WORD_UNPROVEN || v->size == WORD_UNPROVEN)
        return WORD_UNPROVEN;
    if (v->metric == WORD_HURTS || v->metric == WORD_INCONCLUSIVE) return v->metric;
    if (any(v, WORD_HELPS)) return WORD_HELPS;
    if (any(v, WORD_HURTS)) return WORD_HURTS;
    return any(v, WORD_INCONCLUSIVE) ? WORD_INCONCLUSIVE : WORD_NEUTRAL;
}
