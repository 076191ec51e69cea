/* Shares of zeros: what is asked for, what the name says, and what is stored agree to one value, in
 * every sparse scheme; what a matrix can't have is refused. */
#include "bench/data.h"
#include "bench/encoded.h"
#include "bench/rng.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CASES = 400, MILLION = 1000000 };

static const char *const heads[] = {"csr",    "csr-f16", "bitmap",      "bitmap-f16", "bitmap-i8",
                                    "bsr4x4", "bsr3x5",  "bsr16x4-f16", "bsr1x64"};

/* A share in millionths, near both ends as often as between. */
static int some_share(bench_rng *r) {
    int most[] = {MILLION, 10, 1000, MILLION / 10};
    int v = (int)bench_rng_below(r, (uint64_t)most[bench_rng_below(r, 4)]);
    return bench_rng_below(r, 2) ? v : MILLION - 1 - v;
}

/* As a fraction or in percent, now and then with zeros behind it. */
static void write_share(bench_rng *r, int millionths, char out[32]) {
    const char *zeros = bench_rng_below(r, 2) ? "00" : "";
    if (bench_rng_below(r, 2))
        snprintf(out, 32, "0.%06d%s", millionths, zeros);
    else
        snprintf(out, 32, "%d.%04d%s%%", millionths / 10000, millionths % 10000, zeros);
}

/* Values that are not zero after pruning. */
static int64_t left_of(const bench_scheme *s, const bench_matrix *m) {
    float *pruned;
    int64_t left = 0;
    cr_assert_eq(bench_data_pruned(s, m->w, m->n, m->k, &pruned), TARE_OK);
    for (int64_t i = 0; i < m->n * m->k; i++) left += pruned[i] != 0;
    tare_free(pruned);
    return left;
}

static void check(const bench_scheme *s, bench_matrix *m, int millionths) {
    bench_encoded *e;
    int64_t units = bench_scheme_units(s, m->n, m->k);
    /* In whole numbers, apart from the harness: the nearest count, of two the even one. */
    int64_t twice = 2 * units * millionths, drop = (twice + MILLION) / (2 * MILLION);
    if ((twice + MILLION) % (2 * MILLION) == 0 && drop % 2) drop--;
    int can = millionths == 0 || (drop > 0 && drop < units);
    tare_status st = bench_matrix_encode(m, s, &e);
    cr_assert_eq(st, can ? TARE_OK : TARE_E_VALUE, "%s of %lldx%lld: %s", s->name, (long long)m->n,
                 (long long)m->k, tare_status_text(st));
    if (!can) return;
    int64_t area = s->w.layout == TARE_BLOCK ? (int64_t)s->w.block_r * s->w.block_c : 1;
    cr_expect_eq(e->t.nnz, (units - drop) * area, "%s of %lldx%lld stores %lld", s->name,
                 (long long)m->n, (long long)m->k, (long long)e->t.nnz);
    cr_expect_eq(e->t.nnz, bench_scheme_nnz(s, m->n, m->k));
    if (area == 1) cr_expect_eq(left_of(s, m), units - drop);
}

Test(shares, asked_named_and_stored_agree) {
    bench_rng r;
    bench_rng_seed(&r, 1, 0x736861726573);
    for (int i = 0; i < CASES; i++) {
        bench_matrix m = {0};
        bench_scheme s, again;
        const char *head = heads[i % (int)(sizeof heads / sizeof *heads)];
        char text[64], share[32];
        int millionths = some_share(&r);
        write_share(&r, millionths, share);
        snprintf(text, sizeof text, "%s@%s", head, share);
        cr_assert_eq(bench_scheme_parse(text, &s), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(llrint(s.sparsity * MILLION), millionths, "%s: %.17g", text, s.sparsity);
        cr_assert_eq(bench_scheme_parse(s.name, &again), TARE_OK, "%s", s.name);
        cr_expect_eq(memcmp(&s, &again, sizeof s), 0, "%s is read back otherwise", s.name);
        int64_t n = 1 + (int64_t)bench_rng_below(&r, i % 10 ? 90 : 600),
                k = 1 + (int64_t)bench_rng_below(&r, i % 10 ? 90 : 600);
        cr_assert_eq(bench_matrix_make(&m, n, k, (uint64_t)i), TARE_OK);
        check(&s, &m, millionths);
        bench_matrix_clear(&m);
    }
}

/* Weights that f16 and int8 round to zero are stored all the same: 1/sqrt(k) is small here. */
Test(shares, what_rounds_to_zero_is_stored) {
    static const char *const text[] = {"csr-f16@0.000001", "bitmap-f16@0", "bitmap-i8@0.000001",
                                       "csr-f16@0"};
    bench_matrix m = {0};
    cr_assert_eq(bench_matrix_make(&m, 16, 1 << 16, 3), TARE_OK);
    int tiny = 0;
    for (int64_t i = 0; i < m.n * m.k; i++) tiny += fabsf(m.w[i]) < 2.9e-8f;
    cr_assert_gt(tiny, 2, "there are some");
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        bench_scheme s;
        cr_assert_eq(bench_scheme_parse(text[i], &s), TARE_OK);
        check(&s, &m, (int)llrint(s.sparsity * MILLION));
    }
    bench_matrix_clear(&m);
}

/* Magnitudes that are equal, as some of millions of floats are: exactly as many go, the last. */
Test(shares, equals_are_counted) {
    enum { N = 30, K = 41 };
    float w[N * K];
    for (int drop = 1; drop < N * K; drop += 7) {
        int gone = 0, ones = 0, twos = 0, kept_after = 0;
        for (int i = 0; i < N * K; i++) w[i] = i % 3 ? 1.0f : i % 2 ? 2.0f : -2.0f;
        cr_assert_eq(bench_data_prune(w, N, K, 1, 1, (double)drop / (N * K)), TARE_OK);
        for (int i = 0; i < N * K; i++) {
            gone += w[i] == 0;
            ones += w[i] == 1;
            twos += fabsf(w[i]) == 2;
        }
        cr_expect_eq(gone, drop, "%d of %d", gone, drop);
        cr_expect(ones == 0 || twos == N * K / 3, "the smaller go first");
        for (int i = 0, seen = 0; i < N * K; i++) { /* a one that stayed behind one that went */
            if (i % 3 == 0) continue;
            seen |= w[i] == 0;
            kept_after += seen && w[i] == 1;
        }
        cr_expect_eq(kept_after, 0, "of equals the last go");
    }
}
