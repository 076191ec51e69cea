/* The scheme grammar: a head, then "-" options, then "@" sparsity. */
#include "bench/scheme.h"
#include "src/internal.h"
#include "src/parse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct head {
    const char *text;
    enum bench_family family;
    tare_type value;
    tare_layout layout;
    tare_type x, y;
    uint32_t flags;
    int sparse; /* takes @S */
} head;

static const head heads[] = {
    {"f32", BENCH_FLOAT, TARE_F32, TARE_DENSE, TARE_F32, TARE_F32, 0, 0},
    {"bf16", BENCH_FLOAT, TARE_BF16, TARE_DENSE, TARE_BF16, TARE_BF16, 0, 0},
    {"f16", BENCH_FLOAT, TARE_F16, TARE_DENSE, TARE_F16, TARE_F16, 0, 0},
    {"w8a8", BENCH_INT8, TARE_I8, TARE_DENSE, TARE_F32, TARE_F32, TARE_X_I8, 0},
    {"w8a16", BENCH_INT8, TARE_I8, TARE_DENSE, TARE_BF16, TARE_BF16, TARE_W_ROUND, 0},
    {"w8a32", BENCH_INT8, TARE_I8, TARE_DENSE, TARE_F32, TARE_F32, 0, 0},
    {"w4a8", BENCH_INT4, TARE_I4, TARE_DENSE, TARE_F32, TARE_F32, TARE_X_I8, 0},
    {"w4a16", BENCH_INT4, TARE_I4, TARE_DENSE, TARE_BF16, TARE_BF16, TARE_W_ROUND, 0},
    {"w4a32", BENCH_INT4, TARE_I4, TARE_DENSE, TARE_F32, TARE_F32, 0, 0},
    {"tf32", BENCH_FLOAT, TARE_F32, TARE_DENSE, TARE_F32, TARE_F32, TARE_TF32, 0},
    {"fp8", BENCH_INT8, TARE_F8, TARE_DENSE, TARE_BF16, TARE_BF16, TARE_X_F8 | TARE_SUM_F8, 0},
    {"w8a8-bf16", BENCH_INT8, TARE_I8, TARE_DENSE, TARE_BF16, TARE_BF16, TARE_X_I8, 0},
    {"w8a16-f16", BENCH_INT8, TARE_I8, TARE_DENSE, TARE_F16, TARE_F16, TARE_W_ROUND, 0},
    {"w4a16-f16", BENCH_INT4, TARE_I4, TARE_DENSE, TARE_F16, TARE_F16, TARE_W_ROUND, 0},
    {"2:4", BENCH_SPARSE, TARE_F32, TARE_NM, TARE_F32, TARE_F32, 0, 0},
    {"2:4-i8", BENCH_SPARSE, TARE_I8, TARE_NM, TARE_F32, TARE_F32, TARE_X_I8, 0},
    {"csr", BENCH_SPARSE, TARE_F32, TARE_CSR, TARE_F32, TARE_F32, 0, 1},
    {"bitmap", BENCH_SPARSE, TARE_F32, TARE_BITMAP, TARE_F32, TARE_F32, 0, 1},
    {"bitmap-i8", BENCH_SPARSE, TARE_I8, TARE_BITMAP, TARE_F32, TARE_F32, TARE_X_I8, 1},
    {"bsr", BENCH_SPARSE, TARE_F32, TARE_BLOCK, TARE_F32, TARE_F32, 0, 1},
    {"2:4-f16", BENCH_SPARSE, TARE_F16, TARE_NM, TARE_F16, TARE_F16, 0, 0},
    {"2:4-bf16", BENCH_SPARSE, TARE_BF16, TARE_NM, TARE_BF16, TARE_BF16, 0, 0},
    {"2:4-fp8", BENCH_SPARSE, TARE_F8, TARE_NM, TARE_BF16, TARE_BF16, TARE_X_F8 | TARE_SUM_F8, 0},
    {"csr-f16", BENCH_SPARSE, TARE_F16, TARE_CSR, TARE_F16, TARE_F16, 0, 1},
    {"bitmap-f16", BENCH_SPARSE, TARE_F16, TARE_BITMAP, TARE_F16, TARE_F16, 0, 1},
    {"bsr-f16", BENCH_SPARSE, TARE_F16, TARE_BLOCK, TARE_F16, TARE_F16, 0, 1},
};

static const char *const baselines[] = {"f32",   "bf16", "f16",   "w8a8",  "w8a16",
                                        "w8a32", "w4a8", "w4a16", "w4a32", NULL};

const char *bench_baseline(int index) {
    return baselines[index];
}

static tare_status unknown(const char *text) {
    TARE_FAIL(TARE_E_ARG,
              "unknown scheme '%.40s'; there are f32 tf32 bf16 f16 w8a8 w8a8-bf16 w8a16 w8a32 fp8 "
              "w4a8 w4a16 w4a32 (a16: -f16; w4: -g32 -g64 -g128; w8, w4: -z) 2:4 2:4-i8 2:4-fp8 "
              "csr@S bsrRxC@S bitmap@S bitmap-i8@S (2:4 csr bsr bitmap: -f16; 2:4: -bf16)",
              text);
}

static const head *find_head(const char *text, size_t length) {
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (strlen(heads[i].text) == length && memcmp(heads[i].text, text, length) == 0)
            return &heads[i];
    return NULL;
}

/* "-g64" and "-z" at the end of a dense quantised scheme, cut off from *length. */
static int take_options(const char *text, size_t *length, tare_format *w) {
    static const int groups[] = {32, 64, 128};
    if (*length > 2 && memcmp(text + *length - 2, "-z", 2) == 0) {
        w->zero_points = 1;
        *length -= 2;
    }
    for (int i = 0; i < 3; i++) {
        char option[8];
        size_t n = (size_t)snprintf(option, sizeof option, "-g%d", groups[i]);
        if (*length > n && memcmp(text + *length - n, option, n) == 0) {
            w->group = groups[i];
            *length -= n;
            break;
        }
    }
    return w->zero_points || w->group;
}

/* "4x16" of bsr4x16. */
static int block_size(const char *text, size_t length, tare_format *w) {
    char copy[16], *at = copy;
    if (length >= sizeof copy) return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    if (*at < '1' || *at > '9') return 0;
    long r = strtol(at, &at, 10), c = 0;
    if (*at++ != 'x' || *at < '1' || *at > '9') return 0;
    c = strtol(at, &at, 10);
    if (*at != 0 || r > 256 || c > 256) return 0;
    w->block_r = (int32_t)r;
    w->block_c = (int32_t)c;
    return 1;
}

static tare_status parse_sparsity(const char *text, const char *at, double *out) {
    int millionths;
    if (!tare_parse_share(at, &millionths))
        TARE_FAIL(TARE_E_ARG,
                  "scheme '%.40s': the share of zeros after @ must be from 0 to below 1, as 0.9 or "
                  "90%%, in steps of a millionth",
                  text);
    *out = millionths / 1e6; /* the double nearest to what was written */
    return TARE_OK;
}

/* "@0.9": the digits that are needed, never with an exponent. */
static void share_name(double share, char *out, size_t size) {
    int used = snprintf(out, size, "@%.6f", share);
    while (used > 1 && out[used - 1] == '0') out[--used] = 0;
    if (used > 1 && out[used - 1] == '.') out[--used] = 0;
}

static void set_name(bench_scheme *s, const char *head_text) {
    char block[16] = "", group[8] = "", share[16] = "";
    if (s->w.layout == TARE_BLOCK)
        snprintf(block, sizeof block, "%dx%d", (int)s->w.block_r % 1000, (int)s->w.block_c % 1000);
    if (s->w.scaling == TARE_SCALE_GROUP)
        snprintf(group, sizeof group, "-g%d", (int)s->w.group % 1000);
    if (s->w.layout == TARE_CSR || s->w.layout == TARE_BITMAP || s->w.layout == TARE_BLOCK)
        share_name(s->sparsity, share, sizeof share);
    int cut = block[0] ? 3 : (int)strlen(head_text); /* "bsr", its block, "-f16" */
    snprintf(s->name, sizeof s->name, "%.*s%s%s%s%s%s", cut, head_text, block, head_text + cut,
             group, s->w.zero_points ? "-z" : "", share);
}

static tare_status fill(const char *text, const head *h, bench_scheme *out) {
    out->family = h->family;
    out->w.value = h->value;
    out->w.layout = h->layout;
    out->x = h->x;
    out->y = h->y;
    out->flags = h->flags;
    if (h->layout == TARE_NM) out->w.nm_n = 2, out->w.nm_m = 4;
    if (h->value == TARE_I8 || h->value == TARE_F8) out->w.scaling = TARE_SCALE_ROW;
    if (h->value == TARE_I4) {
        out->w.scaling = TARE_SCALE_GROUP;
        if (!out->w.group) out->w.group = 128;
    } else if (out->w.group) {
        TARE_FAIL(TARE_E_ARG, "scheme '%.40s': only w4 schemes take a group", text);
    }
    if (out->w.zero_points &&
        (h->value == TARE_F8 || (h->family != BENCH_INT8 && h->family != BENCH_INT4)))
        TARE_FAIL(TARE_E_ARG, "scheme '%.40s': only w8 and w4 schemes take -z", text);
    set_name(out, h->text);
    return TARE_OK;
}

tare_status bench_scheme_parse(const char *text, bench_scheme *out) {
    memset(out, 0, sizeof *out);
    const char *share = strchr(text, '@');
    size_t length = share ? (size_t)(share - text) : strlen(text);
    const head *h = find_head(text, length);
    if (!h && !share && take_options(text, &length, &out->w)) h = find_head(text, length);
    if (!h && length > 3 && memcmp(text, "bsr", 3) == 0) {
        int f16 = length > 7 && memcmp(text + length - 4, "-f16", 4) == 0;
        if (!block_size(text + 3, length - 3 - (f16 ? 4 : 0), &out->w))
            TARE_FAIL(TARE_E_ARG, "scheme '%.40s': a block is RxC, each from 1 to 256: bsr4x4@0.8",
                      text);
        h = f16 ? find_head("bsr-f16", 7) : find_head("bsr", 3);
    }
    if (!h) return unknown(text);
    if (h->layout == TARE_BLOCK && !out->w.block_r)
        TARE_FAIL(TARE_E_ARG, "scheme '%.40s': the block is missing, as in bsr4x4@0.8", text);
    if (h->sparse && !share)
        TARE_FAIL(TARE_E_ARG, "scheme '%.40s': the share of zeros is missing, as in %.40s@0.8",
                  text, text);
    if (!h->sparse && share)
        TARE_FAIL(TARE_E_ARG, "scheme '%.40s': %s takes no share of zeros", text, h->text);
    if (share) TARE_TRY(parse_sparsity(text, share + 1, &out->sparsity));
    if (h->layout == TARE_NM) out->sparsity = 0.5;
    return fill(text, h, out);
}

tare_status bench_scheme_list(const char *text, bench_scheme out[BENCH_SCHEMES_MAX], int *count) {
    *count = 0;
    for (const char *at = text;;) {
        char one[64];
        size_t length = strcspn(at, ",");
        if (length >= sizeof one) return unknown(at); /* half of it may be another scheme */
        snprintf(one, sizeof one, "%.*s", (int)length, at);
        bench_scheme s;
        TARE_TRY(bench_scheme_parse(one, &s));
        int seen = 0;
        for (int i = 0; i < *count; i++) seen |= strcmp(out[i].name, s.name) == 0;
        if (!seen && *count == BENCH_SCHEMES_MAX)
            TARE_FAIL(TARE_E_ARG, "more than %d schemes", BENCH_SCHEMES_MAX);
        if (!seen) out[(*count)++] = s;
        if (!at[length]) return TARE_OK;
        at += length + 1;
    }
}

static enum bench_coding coding(const bench_scheme *s) {
    if (s->w.value == TARE_I4) return BENCH_4_BIT;
    return s->w.value == TARE_I8 || s->w.value == TARE_F8 ? BENCH_8_BIT : BENCH_FLOATS;
}

int bench_scheme_dense(const bench_scheme *s, enum bench_coding finest,
                       enum bench_coding coarsest) {
    return s->w.layout == TARE_DENSE && coding(s) >= finest && coding(s) <= coarsest;
}

enum bench_coding bench_scheme_has_to_beat(const bench_scheme *s) {
    enum bench_coding own = coding(s);
    if (s->w.layout != TARE_DENSE || own == BENCH_FLOATS) return own;
    return own == BENCH_4_BIT ? BENCH_8_BIT : BENCH_FLOATS;
}

int64_t bench_scheme_units(const bench_scheme *s, int64_t n, int64_t k) {
    int64_t r = s->w.layout == TARE_BLOCK ? s->w.block_r : 1;
    int64_t c = s->w.layout == TARE_BLOCK ? s->w.block_c : 1;
    return (n + r - 1) / r * ((k + c - 1) / c);
}

int64_t bench_scheme_dropped(double sparsity, int64_t units) {
    return (int64_t)rint(sparsity * (double)units);
}

int64_t bench_scheme_nnz(const bench_scheme *s, int64_t n, int64_t k) {
    if (s->w.layout == TARE_DENSE) return n * k;
    if (s->w.layout == TARE_NM) return n * ((k + s->w.nm_m - 1) / s->w.nm_m) * s->w.nm_n;
    int64_t units = bench_scheme_units(s, n, k);
    int64_t area = s->w.layout == TARE_BLOCK ? s->w.block_r * s->w.block_c : 1;
    return (units - bench_scheme_dropped(s->sparsity, units)) * area;
}

tare_problem bench_scheme_problem(const bench_scheme *s, const tare_tensor *t, int64_t m) {
    return tare_problem_matmul(t, m, s->x, s->y, s->flags);
}

int bench_tf32_counts(tare_device *d) {
    tare_tensor t = {
        .format = {.value = TARE_F32, .layout = TARE_DENSE}, .n = 256, .k = 256, .nnz = 256 * 256};
    tare_problem exact = tare_problem_matmul(&t, 64, TARE_F32, TARE_F32, 0), cut = exact;
    cut.flags = TARE_TF32;
    for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
        tare_plan a, b;
        char why[160];
        int takes = tare_plan_row(d, *row, &exact, NULL, &a, why);
        if (takes != tare_plan_row(d, *row, &cut, NULL, &b, why)) return 1;
        if (takes && (a.unit != b.unit || a.cost_ns != b.cost_ns)) return 1;
    }
    return 0;
}
