/* A whole file into memory. */
#ifndef TARE_DATA_FILE_H
#define TARE_DATA_FILE_H

#include <tare/tare.h>

/* Reads at most `limit` bytes; a larger file is refused. Free with tare_free. */
tare_status file_read(const char *path, size_t limit, void **out, size_t *size);

#endif
