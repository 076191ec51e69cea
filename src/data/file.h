/* Whole files into memory and out of it. */
#ifndef TARE_DATA_FILE_H
#define TARE_DATA_FILE_H

#include <tare/tare.h>

/* Reads at most `limit` bytes; a larger file is refused. Free with tare_free. */
tare_status file_read(const char *path, size_t limit, void **out, size_t *size);

/* Writes path.part-*, flushes it to the disk and renames it. On an error the part is removed and
 * what stood at `path` is untouched. */
tare_status file_save(const char *path, const void *bytes, size_t size);

#endif
