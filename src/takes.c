/* Problems against the lists of a row (takes.h), and the words of a refusal, which come from the
 * lists as well. */
#include "src/takes.h"

#include <stdio.h>

static const struct {
    uint32_t bit;
    tare_type value;
    tare_scaling scaling;
    int32_t zero_points;
    const char *name;
} codings[] = {
    {TAKES_F32, TARE_F32, TARE_SCALE_NONE, 0, "f32"},
    {TAKES_F16, TARE_F16, TARE_SCALE_NONE, 0, "f16"},
    {TAKES_BF16, TARE_BF16, TARE_SCALE_NONE, 0, "bf16"},
    {TAKES_I8_TENSOR, TARE_I8, TARE_SCALE_TENSOR, 0, "i8-tensor"},
    {TAKES_I8_ROW, TARE_I8, TARE_SCALE_ROW, 0, "i8-row"},
    {TAKES_I8_GROUP, TARE_I8, TARE_SCALE_GROUP, 0, "i8-group"},
    {TAKES_I8_TENSOR_Z, TARE_I8, TARE_SCALE_TENSOR, 1, "i8-tensor-z"},
    {TAKES_I8_ROW_Z, TARE_I8, TARE_SCALE_ROW, 1, "i8-row-z"},
    {TAKES_I8_GROUP_Z, TARE_I8, TARE_SCALE_GROUP, 1, "i8-group-z"},
    {TAKES_I4_GROUP, TARE_I4, TARE_SCALE_GROUP, 0, "i4-group"},
    {TAKES_I4_GROUP_Z, TARE_I4, TARE_SCALE_GROUP, 1, "i4-group-z"},
    {TAKES_F8_TENSOR, TARE_F8, TARE_SCALE_TENSOR, 0, "f8-tensor"},
    {TAKES_F8_ROW, TARE_F8, TARE_SCALE_ROW, 0, "f8-row"},
};
enum { CODINGS = sizeof codings / sizeof *codings };

static const tare_type types[] = {TARE_F32, TARE_F16, TARE_BF16, TARE_I8, TARE_I4, TARE_F8};
enum { TYPES = sizeof types / sizeof *types };

uint32_t tare_coding(const tare_format *f) {
    int grouped = f->scaling == TARE_SCALE_GROUP;
    if (grouped ? f->group != 32 && f->group != 64 && f->group != 128 : f->group != 0) return 0;
    for (int i = 0; i < CODINGS; i++)
        if (codings[i].value == f->value && codings[i].scaling == f->scaling &&
            codings[i].zero_points == f->zero_points)
            return codings[i].bit;
    return 0;
}

uint32_t tare_codings(tare_type value) {
    uint32_t all = 0;
    for (int i = 0; i < CODINGS; i++)
        if (codings[i].value == value) all |= codings[i].bit;
    return all;
}

/* Numbers past the list's bits are in no list. */
static int listed(uint32_t list, int what) {
    return what >= 0 && what < 32 && (list >> what & 1);
}

/* ---- words ---- */

typedef struct words {
    char *out;
    size_t at;
    int count;
} words;

static void say(words *w, const char *text) {
    if (w->at < 160) w->at += (size_t)snprintf(w->out + w->at, 160 - w->at, "%s", text);
}

static void say_one(words *w, const char *name) {
    if (w->count++) say(w, ", ");
    say(w, name);
}

static int refuse_layout(const tare_takes *t, char why[160]) {
    static const char *const name[] = {[TARE_DENSE] = "dense",
                                       [TARE_NM] = "N:M",
                                       [TARE_CSR] = "CSR",
                                       [TARE_BLOCK] = "block-sparse",
                                       [TARE_BITMAP] = "bitmap"};
    words w = {.out = why};
    say(&w, "takes ");
    for (int i = TARE_DENSE; i <= TARE_BITMAP; i++)
        if (listed(t->layouts, i)) say_one(&w, name[i]);
    say(&w, " weights");
    return 0;
}

/* Where the type is known, its codings; else the types. */
static int refuse_coding(const tare_takes *t, const tare_format *f, char why[160]) {
    words w = {.out = why};
    int known = (t->codings & tare_codings(f->value)) != 0;
    say(&w, "takes ");
    for (int i = 0; known && i < CODINGS; i++)
        if ((t->codings & codings[i].bit) && codings[i].value == f->value)
            say_one(&w, codings[i].name);
    for (int i = 0; !known && i < TYPES; i++)
        if (t->codings & tare_codings(types[i])) say_one(&w, tare_type_name(types[i]));
    say(&w, " values");
    return 0;
}

static int refuse_type(uint32_t list, const char *of, char why[160]) {
    words w = {.out = why};
    say(&w, "takes ");
    say(&w, of);
    say(&w, " in ");
    for (int i = 0; i < TYPES; i++)
        if (listed(list, (int)types[i])) say_one(&w, tare_type_name(types[i]));
    return 0;
}

static int refuse_flags(const tare_takes *t, uint32_t flags, char why[160]) {
    uint32_t wants = t->wants & ~flags, extra = flags & ~t->flags;
    if ((wants | extra) & TARE_X_QUANTISED)
        snprintf(why, 160, "takes %s activations",
                 t->wants & TARE_X_I8   ? "int8"
                 : t->wants & TARE_X_F8 ? "f8"
                                        : "float");
    else if (extra)
        snprintf(why, 160, "does not know the flags 0x%x", (unsigned)extra);
    else
        snprintf(why, 160, "wants the flags 0x%x, which the problem does not set", (unsigned)wants);
    return 0;
}

int tare_takes_problem(const tare_takes *t, const tare_problem *p, char why[160]) {
    if (p->op != TARE_MATMUL) {
        snprintf(why, 160, "does not know the op %d", (int)p->op);
        return 0;
    }
    if (!listed(t->layouts, (int)p->w.layout)) return refuse_layout(t, why);
    if (!(t->codings & tare_coding(&p->w))) return refuse_coding(t, &p->w, why);
    if ((p->flags & ~t->flags) || (t->wants & ~p->flags)) return refuse_flags(t, p->flags, why);
    if (!listed(t->x, (int)p->x)) return refuse_type(t->x, "x", why);
    if (!listed(t->y, (int)p->y)) return refuse_type(t->y, "y", why);
    const char *odd = tare_flags_odd(p);
    if (odd) snprintf(why, 160, "%s", odd);
    return !odd;
}
