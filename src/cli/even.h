/* The inside of `tare breakeven`: searches of several formats on one problem, side by side. */
#ifndef TARE_CLI_EVEN_H
#define TARE_CLI_EVEN_H

#include "bench/breakeven.h"
#include "src/cli/bench.h"

enum { EVEN_FORMATS_MAX = 16, EVEN_OPPONENTS = 2 };

/* One format: its points against the best dense float row and against the best dense int8 row. */
typedef struct even_search {
    const char *format;
    bench_point points[EVEN_OPPONENTS][BENCH_SHARES];
    int highest; /* largest share measured, -1: none; what ran there: */
    char kernel[64], base[EVEN_OPPONENTS][64];
    char refusal[400]; /* not empty: it can't be measured */
    int written;
} even_search;

/* A shape, m and device. */
typedef struct even_problem {
    bench_setup *setup;
    bench_shape shape;
    int64_t m;
    even_search search[EVEN_FORMATS_MAX];
    int formats;
    bench_scheme
        best[EVEN_OPPONENTS]; /* dense schemes that the rounds measure beside the formats */
} even_problem;

void even_problem_init(even_problem *p, bench_setup *s, const bench_shape *shape, int64_t m,
                       char formats[][24], int count);
/* One contest of all dense schemes and of every format at a few shares: whom it is about, and where
 * to look. That there is nothing to compare with is TARE_E_UNSUPPORTED and every format's
 * refusal. */
tare_status even_survey(even_problem *p);
int even_survey_size(const even_problem *p); /* contestants, about */
/* One contest of every format that is still searched, at its next shares, beside the best dense
 * schemes of the survey. */
tare_status even_round(even_problem *p);

int even_is_begun(const even_search *s); /* there is something to say of it */
int even_is_over(const even_search *s);  /* nothing more is to be measured */

/* Its records, one an opponent, as it stands: appended. 0, or -1: out of memory. */
int even_records(const even_problem *p, const even_search *s, json_t *env, json_t *out);

#endif
