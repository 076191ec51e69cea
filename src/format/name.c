/* Format names, "layout/value-scaling-z", and which combinations exist. */
#include "src/format/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_group(int32_t g) {
    return g == 32 || g == 64 || g == 128;
}

static tare_status check_coding(const tare_format *f) {
    int is_float = f->value == TARE_F32 || f->value == TARE_F16 || f->value == TARE_BF16;
    if (!format_coding(f)) TARE_FAIL(TARE_E_ARG, "format: unknown value type %d", (int)f->value);
    if (is_float != (f->scaling == TARE_SCALE_NONE))
        TARE_FAIL(TARE_E_ARG, "format: scales belong to i8, i4 and f8, and those need them");
    if (f->zero_points != 0 && f->zero_points != 1)
        TARE_FAIL(TARE_E_ARG, "format: zero_points is 0 or 1");
    if (f->zero_points && (is_float || f->value == TARE_F8))
        TARE_FAIL(TARE_E_ARG, "format: zero points belong to i8 and i4");
    if ((f->scaling == TARE_SCALE_GROUP) != (f->group != 0) || (f->group && !is_group(f->group)))
        TARE_FAIL(TARE_E_ARG,
                  "format: the group must be 32, 64 or 128 with scales a group, else 0");
    if (f->value == TARE_I4 && f->scaling != TARE_SCALE_GROUP)
        TARE_FAIL(TARE_E_ARG, "format: i4 is scaled by group: i4-g32, i4-g64 or i4-g128");
    if (f->value == TARE_F8 && f->scaling == TARE_SCALE_GROUP)
        TARE_FAIL(TARE_E_ARG, "format: f8 is scaled by row or tensor: f8-row, f8-tensor");
    if ((unsigned)f->scaling > TARE_SCALE_GROUP)
        TARE_FAIL(TARE_E_ARG, "format: unknown scaling %d", (int)f->scaling);
    return TARE_OK;
}

static tare_status check_sparse(const tare_format *f) {
    if (f->layout == TARE_DENSE) return TARE_OK;
    if (f->value == TARE_I4) TARE_FAIL(TARE_E_ARG, "format: i4 is dense only");
    if (f->zero_points)
        TARE_FAIL(TARE_E_ARG, "format: sparse values are symmetric, without zero points");
    if (f->scaling == TARE_SCALE_GROUP)
        TARE_FAIL(TARE_E_ARG, "format: sparse i8 is scaled by row or tensor");
    return TARE_OK;
}

tare_status tare_format_check(const tare_format *f) {
    if (!f) TARE_FAIL(TARE_E_ARG, "format: null");
    if (!format_layout(f)) TARE_FAIL(TARE_E_ARG, "format: unknown layout %d", (int)f->layout);
    TARE_TRY(check_coding(f));
    TARE_TRY(check_sparse(f));
    if (f->layout == TARE_NM ? f->nm_n < 1 || f->nm_m <= f->nm_n || f->nm_m > 16
                             : f->nm_n || f->nm_m)
        TARE_FAIL(TARE_E_ARG, "format: N:M needs 1 <= N < M <= 16, other layouts none");
    if (f->layout == TARE_BLOCK
            ? f->block_r < 1 || f->block_c < 1 || f->block_r > 256 || f->block_c > 256
            : f->block_r || f->block_c)
        TARE_FAIL(TARE_E_ARG, "format: blocks have 1 to 256 rows and columns, other layouts none");
    return TARE_OK;
}

size_t tare_format_name(const tare_format *f, char *buf, size_t size) {
    char where[32] = "", scale[16] = "";
    if (f->layout == TARE_NM) snprintf(where, sizeof where, "%d:%d/", (int)f->nm_n, (int)f->nm_m);
    if (f->layout == TARE_BLOCK)
        snprintf(where, sizeof where, "bs%dx%d/", (int)f->block_r, (int)f->block_c);
    if (f->layout == TARE_CSR) snprintf(where, sizeof where, "csr/");
    if (f->layout == TARE_BITMAP) snprintf(where, sizeof where, "bitmap/");
    if (f->scaling == TARE_SCALE_TENSOR) snprintf(scale, sizeof scale, "-tensor");
    if (f->scaling == TARE_SCALE_ROW) snprintf(scale, sizeof scale, "-row");
    if (f->scaling == TARE_SCALE_GROUP) snprintf(scale, sizeof scale, "-g%d", (int)f->group);
    int n = snprintf(buf, size, "%s%s%s%s", where, tare_type_name(f->value), scale,
                     f->zero_points ? "-z" : "");
    return n > 0 ? (size_t)n : 0;
}

/* A decimal number of at most three digits, without a leading zero, so that a format has one name;
 * advances *s. -1 where there is none. */
static int32_t number(const char **s) {
    int32_t v = 0, digits = 0;
    if (**s == '0') return -1;
    while (**s >= '0' && **s <= '9' && digits < 4) {
        v = v * 10 + (**s - '0');
        (*s)++;
        digits++;
    }
    return digits && digits < 4 ? v : -1;
}

static int eat(const char **s, const char *word) {
    size_t n = strlen(word);
    if (strncmp(*s, word, n) != 0) return 0;
    *s += n;
    return 1;
}

static int parse_layout(const char **s, tare_format *f) {
    f->layout = TARE_DENSE;
    if (eat(s, "csr/")) {
        f->layout = TARE_CSR;
    } else if (eat(s, "bitmap/")) {
        f->layout = TARE_BITMAP;
    } else if (eat(s, "bs")) {
        f->layout = TARE_BLOCK;
        f->block_r = number(s);
        if (!eat(s, "x")) return 0;
        f->block_c = number(s);
        return eat(s, "/");
    } else if (**s >= '0' && **s <= '9') {
        f->layout = TARE_NM;
        f->nm_n = number(s);
        if (!eat(s, ":")) return 0;
        f->nm_m = number(s);
        return eat(s, "/");
    }
    return 1;
}

static int parse_coding(const char **s, tare_format *f) {
    static const tare_type types[] = {TARE_F32, TARE_F16, TARE_BF16, TARE_I8, TARE_I4, TARE_F8};
    for (size_t i = 0; i < sizeof types / sizeof *types && !f->value; i++)
        if (eat(s, tare_type_name(types[i]))) f->value = types[i];
    if (!f->value) return 0;
    if (eat(s, "-tensor")) {
        f->scaling = TARE_SCALE_TENSOR;
    } else if (eat(s, "-row")) {
        f->scaling = TARE_SCALE_ROW;
    } else if (eat(s, "-g")) {
        f->scaling = TARE_SCALE_GROUP;
        f->group = number(s);
    }
    if (eat(s, "-z")) f->zero_points = 1;
    return **s == 0;
}

tare_status tare_format_parse(const char *name, tare_format *out) {
    if (!name || !out) TARE_FAIL(TARE_E_ARG, "format: null argument");
    tare_format f;
    memset(&f, 0, sizeof f);
    memset(out, 0, sizeof *out);
    const char *s = name;
    if (!parse_layout(&s, &f) || !parse_coding(&s, &f))
        TARE_FAIL(TARE_E_ARG,
                  "format '%.40s' is not known; examples: f32, i8-row, i4-g64-z, 2:4/f32, "
                  "csr/f16, bs4x4/f32, bitmap/i8-row",
                  name);
    TARE_TRY(tare_format_check(&f));
    *out = f;
    return TARE_OK;
}
