/* What a backend says of itself is held against the seam before it is believed: a table that is
 * half filled in would end the process at its first use, at a place where nobody looks for it.
 * What can't be held against anything is the code behind the pointers: a module is code, and runs
 * with all that its process may do. */
#include "internal.h"
#include "text.h"

#include <math.h>
#include <string.h>

enum { ROWS_MAX = 1024, ROW_NAME = 63 }; /* names go into fields of 64 bytes */

static tare_status check_ops(const tare_backend_ops *o) {
    if (!o->open || !o->alloc || !o->free || !o->stream_create || !o->stream_sync ||
        !o->stream_destroy || !o->write || !o->read)
        TARE_FAIL(TARE_E_DEVICE, "an incomplete table: one of its required functions is null");
    int graphs = !o->graph_begin + !o->graph_end + !o->graph_replay + !o->graph_destroy;
    if (graphs != 0 && graphs != 4)
        TARE_FAIL(TARE_E_DEVICE, "an incomplete table: graphs take four functions or none");
    return TARE_OK;
}

static tare_status check_vendor(const char *vendor, const char *row) {
    if (!vendor) return TARE_OK;
    if (strnlen(vendor, ROW_NAME + 1) > ROW_NAME)
        TARE_FAIL(TARE_E_DEVICE, "row %s: its vendor's name is too long", row);
    for (const char *c = vendor; *c; c++)
        if (*c < ' ' || *c > '~')
            TARE_FAIL(TARE_E_DEVICE, "row %s: its vendor's name is not printable", row);
    return TARE_OK;
}

static tare_status check_row(const tare_kernel *const *rows, int index) {
    const tare_kernel *r = rows[index];
    if (!r->name || !tare_text_is_name(r->name, ROW_NAME))
        TARE_FAIL(TARE_E_DEVICE, "row %d has no name of up to %d letters, digits and _-.:+", index,
                  ROW_NAME);
    if (!r->fit || !r->pack || !r->run)
        TARE_FAIL(TARE_E_DEVICE, "row %s is incomplete: fit, pack or run is null", r->name);
    for (int i = 0; i < index; i++)
        if (strcmp(rows[i]->name, r->name) == 0)
            TARE_FAIL(TARE_E_DEVICE, "two rows are called %s", r->name);
    return check_vendor(r->vendor, r->name);
}

tare_status tare_registry_check(const tare_backend *b) {
    if (b->abi != TARE_BACKEND_ABI)
        TARE_FAIL(TARE_E_DEVICE, "ABI number %u, this library speaks %u", b->abi, TARE_BACKEND_ABI);
    if (b->struct_size != TARE_BACKEND_STRUCT_SIZE)
        TARE_FAIL(TARE_E_DEVICE, "struct size %u, this library has %u", b->struct_size,
                  TARE_BACKEND_STRUCT_SIZE);
    if (!b->name || !b->ops || !b->rows || !b->device_count)
        TARE_FAIL(TARE_E_DEVICE, "an incomplete table");
    if (!tare_text_is_name(b->name, 31))
        TARE_FAIL(TARE_E_DEVICE, "the backend's name is not 1 to 31 letters, digits and _-.:+");
    TARE_TRY(check_ops(b->ops));
    for (int i = 0; b->rows[i]; i++) {
        if (i == ROWS_MAX) TARE_FAIL(TARE_E_DEVICE, "more than %d rows, or no end", ROWS_MAX);
        TARE_TRY(check_row(b->rows, i));
    }
    return TARE_OK;
}

tare_status tare_check_info(tare_device_info *info) {
    if (!memchr(info->id, 0, sizeof info->id) || !tare_text_is_name(info->id, sizeof info->id - 1))
        TARE_FAIL(TARE_E_DEVICE, "a device's id is not 1 to %zu letters, digits and _-.:+",
                  sizeof info->id - 1);
    tare_text_field(info->name, sizeof info->name);
    tare_text_field(info->features, sizeof info->features);
    tare_text_field(info->runtime, sizeof info->runtime);
    if (info->memory < 0) info->memory = 0;
    if (info->cache < 0) info->cache = 0;
    if (info->threads < 0) info->threads = 0;
    return TARE_OK;
}

/* 0 where there is none of it; `known`: there must be some. */
static int is_rate(double v, int known) {
    return isfinite(v) && (known ? v > 0 : v >= 0);
}

tare_status tare_check_rates(const tare_rates *r) {
    if (!is_rate(r->read_gbs, 1) || !is_rate(r->f32_gflops, 1))
        TARE_FAIL(TARE_E_ARG, "rates: read_gbs and f32_gflops must be positive numbers");
    if (!is_rate(r->cache_gbs, 0) || !is_rate(r->bf16_gflops, 0) || !is_rate(r->i8_gops, 0) ||
        !is_rate(r->launch_ns, 0) || !is_rate(r->h2d_gbs, 0) || !is_rate(r->d2h_gbs, 0))
        TARE_FAIL(TARE_E_ARG, "rates: those that are not known are 0, none is negative or NaN");
    return TARE_OK;
}
