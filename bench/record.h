/* A cell as a JSON record, and views of records. docs/records.md names every key. */
#ifndef TARE_BENCH_RECORD_H
#define TARE_BENCH_RECORD_H

#include "bench/cell.h"
#include "bench/table.h"
#include <jansson.h>
#include <stdio.h>

/* Raised when a key changes its meaning or goes; new keys do not raise it. */
#define BENCH_RECORD_SCHEMA "tare-bench-3"
/* Also read: of these the times mean the same, and verdicts were held against floats alone. */
#define BENCH_RECORD_OLDER "tare-bench-2"

/* What all records of a run share: machine, runtime, build, ceilings. New reference, or null. */
json_t *bench_record_env(const bench_setup *s);
/* One cell. `env` is shared, not copied. New reference, or null when memory ran out. */
json_t *bench_record(const bench_setup *s, const bench_cell *c, json_t *env);

enum bench_view { BENCH_TABLE = 1, BENCH_MD, BENCH_CSV, BENCH_JSONL };
/* "table" "md" "csv" "jsonl"; 0 for another text. */
int bench_view_find(const char *name);
/* Writes an array of records. 0, or -1 where writing failed. */
int bench_report(FILE *out, enum bench_view view, const json_t *records);

/* The same as records come: a table's columns and widths are those of the first ones and of `plan`
 * (bench_foresee), and stay. Zeroed but for view and plan. */
typedef struct bench_sheet {
    enum bench_view view;
    const json_t *plan; /* null: nothing is foreseen */
    bench_layout layout;
    int begun, rows;
} bench_sheet;
int bench_report_some(FILE *out, bench_sheet *s, const json_t *records);
/* What stands below, about all records: refusals, totals (bench_total_record; null: none), legend.
 */
int bench_report_end(FILE *out, const bench_sheet *s, const json_t *records, const json_t *totals);

/* Records that stand for those that a run will have, a few of each kind, as wide as they get. Null:
 * out of memory. */
json_t *bench_foresee(const bench_setup *setups, int count, const bench_suite *suite,
                      const int64_t *m, int m_count, const bench_scheme *schemes, int scheme_count);

/* Totals as a table, Markdown or JSON lines; CSV keeps to one kind of row and has none. */
int bench_report_totals(FILE *out, enum bench_view view, const json_t *totals);

/* Says which reasons held the clocks of a record's device down in any of the records, if one did.
 */
void bench_report_limits(FILE *out, const json_t *records, const json_t *of);

/* The same of the records of `tare breakeven`. */
int bench_report_evens(FILE *out, enum bench_view view, const json_t *records);
int bench_report_evens_some(FILE *out, bench_sheet *s, const json_t *records);
int bench_report_evens_end(FILE *out, const bench_sheet *s);
/* And of `tare zero`. */
int bench_report_zero(FILE *out, enum bench_view view, const json_t *records);

/* For those who write sheets: columns and widths from the plan and the first records. */
int bench_sheet_begin(bench_sheet *s, const bench_column *all, int count, const json_t *records,
                      int (*show)(const json_t *r));

#endif
