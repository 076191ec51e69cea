/* On which pages the weights of a cell lie. */
#ifndef TARE_BENCH_PAGES_H
#define TARE_BENCH_PAGES_H

#include "bench/cell.h"
#include "bench/rotate.h"

/* Fills the cell's huge_known and huge_bytes: of the first `copies` packed copies of the rotor, as
 * they lie now. Not within a timing: it reads files of /proc. */
void bench_pages(const bench_rotor *r, bench_cell *c);

#endif
