/* The one symbol that a backend's module exports. Compiled into each module with
 * TARE_MODULE_BACKEND as the name of its table. */
#include "src/internal.h"

#include <stdarg.h>
#include <stdio.h>

extern const tare_backend TARE_MODULE_BACKEND;
const tare_backend *tare_backend_entry(const tare_backend_host *h, const char **why);

static const tare_backend_host *host;

/* The parts of the library that the module carries report errors through this: to the library that
 * loaded it. */
tare_status tare_fail(tare_status s, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return host ? host->fail(s, "%s", text) : s;
}

int tare_threads(void) {
    return host ? host->threads() : 1;
}

void parallel_pieces(int pieces, parallel_piece *piece, void *ctx) {
    if (host) {
        host->parallel(pieces, piece, ctx);
        return;
    }
    for (int i = 0; i < pieces; i++) piece(ctx, i, pieces);
}

__attribute__((visibility("default"))) const tare_backend *
tare_backend_entry(const tare_backend_host *h, const char **why) {
    if (h->abi != TARE_BACKEND_ABI) {
        *why = "built for another version of tare";
        return NULL;
    }
    host = h;
    return &TARE_MODULE_BACKEND;
}
