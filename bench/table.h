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
/* v / unit with three digits or so, and a text after it; empty where not finite. */
void bench_fixed(char out[BENCH_CELL], double v, double unit, const char *after);

/* Whether the records hold two values of a key. */
int bench_json_differs(const json_t *records, const char *key);

/* The records that `show` accepts as aligned text, or as a Markdown table. */
void bench_table(FILE *out, const bench_column *all, int count, const json_t *records,
                 int (*show)(const json_t *r), int markdown);
/* Plain keys, null-terminated; a key that holds "ci95" is a pair and becomes two columns. */
void bench_csv(FILE *out, const char *const *keys, const json_t *records);
/* 0, or -1 where writing failed. */
int bench_jsonl(FILE *out, const json_t *records);

#endif
