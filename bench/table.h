/* Records to text: what the views of all kinds of records share. */
#ifndef TARE_BENCH_TABLE_H
#define TARE_BENCH_TABLE_H

#include <jansson.h>
#include <stdio.h>

enum { BENCH_CELL = 160 };

typedef struct bench_column {
    const char *title;
    int right; /* aligned to the right */
    void (*cell)(const json_t *record, char out[BENCH_CELL]);
    int (*wanted)(const json_t *records); /* null: always there */
} bench_column;

enum { BENCH_COLUMNS_MAX = 24 };

/* Values of a record: NaN and "" where they are null or absent. */
double bench_json_number(const json_t *r, const char *key);
const char *bench_json_string(const json_t *r, const char *key);
/* A number for a record, null where it is none: JSON has no NaN and no infinity. A pair likewise.
 */
json_t *bench_json_real(double v);
json_t *bench_json_pair(double lo, double hi);
/* v / unit with three digits or so, and a text after it; empty where not finite. */
void bench_fixed(char out[BENCH_CELL], double v, double unit, const char *after);

/* Whether the records hold two values of a key. */
int bench_json_differs(const json_t *records, const char *key);

/* Columns and widths that were decided on: rows may come later, a few at a time. */
typedef struct bench_layout {
    bench_column column[BENCH_COLUMNS_MAX];
    int width[BENCH_COLUMNS_MAX];
    int count;
    int markdown;
} bench_layout;
/* Those columns that the records want, as wide as the records that `show` accepts need them. */
void bench_layout_make(bench_layout *l, const bench_column *all, int count, const json_t *records,
                       int (*show)(const json_t *r), int markdown);
void bench_layout_head(FILE *out, const bench_layout *l);
/* How many there were. A cell that is wider than was foreseen moves the rest of its line. */
int bench_layout_rows(FILE *out, const bench_layout *l, const json_t *records,
                      int (*show)(const json_t *r));

/* The records that `show` accepts as aligned text, or as a Markdown table. */
void bench_table(FILE *out, const bench_column *all, int count, const json_t *records,
                 int (*show)(const json_t *r), int markdown);
/* Plain keys, null-terminated; a key that holds "ci95" is a pair and becomes two columns. */
void bench_csv(FILE *out, const char *const *keys, const json_t *records);
void bench_csv_head(FILE *out, const char *const *keys);
void bench_csv_rows(FILE *out, const char *const *keys, const json_t *records);
/* 0, or -1 where writing failed. */
int bench_jsonl(FILE *out, const json_t *records);

#endif
