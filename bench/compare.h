/* Two files of records (docs/records.md) held against one another: `tare compare`. */
#ifndef TARE_BENCH_COMPARE_H
#define TARE_BENCH_COMPARE_H

#include "bench/record.h"

#include <tare/tare.h>

/* Larger files are refused. */
#define BENCH_RECORDS_BYTES ((size_t)256 << 20)

/* The records of a text of JSON lines, each with the keys that a comparison needs and no others.
 * Files come from anywhere: what is not a whole record of this schema is refused as a whole, with
 * "NAME:LINE: what is wrong". *out: an array, a new reference; null where it fails. */
tare_status bench_records_parse(const char *name, const char *text, size_t size, json_t **out);

/* Pairs of records of one cell: device, operation, shape, scheme, cache and weights are the same,
 * whatever the workload is called. Of several records of a cell those of the same kernel are paired
 * first, in their order, then the fastest of what is left with the fastest. An array of objects;
 * `in` is "both", "a" or "b". New reference; null: out of memory. */
json_t *bench_compare(const json_t *a, const json_t *b);

/* A view of those pairs, as bench_report. */
int bench_report_compare(FILE *out, enum bench_view view, const json_t *pairs);

#endif
