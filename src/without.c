/* Rows that TARE_ROWS_WITHOUT leaves out by name: where one of them breaks the device, the others
 * can still be measured. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static const char separators[] = ", ";

int tare_row_left_out(const char *name) {
    const char *at = getenv("TARE_ROWS_WITHOUT");
    size_t want = strlen(name);
    while (at && *at) {
        size_t length = strcspn(at, separators);
        if (length == want && memcmp(at, name, length) == 0) return 1;
        at += length + strspn(at + length, separators);
    }
    return 0;
}

static int is_row(const char *name, size_t length) {
    for (int i = 0; i < tare_device_count(); i++)
        for (const tare_kernel *const *r = tare_device_get(i)->backend->rows; *r; r++)
            if (strlen((*r)->name) == length && memcmp((*r)->name, name, length) == 0) return 1;
    return 0;
}

tare_status tare_rows_without_check(void) {
    const char *at = getenv("TARE_ROWS_WITHOUT");
    while (at && *at) {
        size_t length = strcspn(at, separators);
        if (length && !is_row(at, length))
            TARE_FAIL(TARE_E_ARG,
                      "TARE_ROWS_WITHOUT: no device here has a kernel '%.*s'; tare devices lists "
                      "them",
                      (int)(length < 60 ? length : 60), at);
        at += length + strspn(at + length, separators);
    }
    return TARE_OK;
}
