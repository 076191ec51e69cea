/* Status codes and the thread's error text. */
#include "internal.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char error_text[512];

const char *tare_version(void) {
    return "0.1.0";
}

const char *tare_status_text(tare_status s) {
    switch (s) {
    case TARE_OK:
        return "ok";
    case TARE_E_ARG:
        return "bad argument";
    case TARE_E_SHAPE:
        return "bad shape";
    case TARE_E_VALUE:
        return "bad value";
    case TARE_E_FORMAT:
        return "corrupt or unknown format";
    case TARE_E_NOMEM:
        return "out of memory";
    case TARE_E_NODEVICE:
        return "no such device";
    case TARE_E_UNSUPPORTED:
        return "no kernel accepts the problem";
    case TARE_E_IO:
        return "input or output failed";
    case TARE_E_DEVICE:
        return "device failed";
    }
    return "unknown status";
}

const char *tare_last_error(void) {
    return error_text;
}

tare_status tare_fail(tare_status s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error_text, sizeof error_text, format, args);
    va_end(args);
    tare_text_clean(error_text); /* names of files, and what modules and drivers say, are in it */
    return s;
}
