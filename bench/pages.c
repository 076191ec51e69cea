/* A difference in pages is a difference in time that no kernel made: the record tells of it. */
#include "bench/pages.h"

#include "src/internal.h"
#include "src/pages.h"

void bench_pages(const bench_rotor *r, bench_cell *c) {
    int copies = c->copies < r->copies ? c->copies : r->copies;
    c->huge_known = 0;
    c->huge_bytes = 0;
    if (copies < 1 || !r->stream->device->backend->host_memory) return;
    tare_block *b = tare_alloc((size_t)copies * sizeof *b);
    if (!b) return;
    for (int i = 0; i < copies; i++) b[i] = (tare_block){r->copy[i]->mem, r->copy[i]->bytes};
    c->huge_known = tare_pages_huge(b, copies, &c->huge_bytes);
    tare_free(b);
}
