/* IDX, the format of the MNIST family: two zero bytes, a type byte, a count of dimensions, the
 * dimensions as big-endian 32-bit numbers, then the values row-major. Only bytes (type 0x08) are
 * read here. The file may be gzipped; it is told by its first bytes, not by its name. */
#ifndef TARE_DATA_IDX_H
#define TARE_DATA_IDX_H

#include <tare/tare.h>

enum { IDX_MAX_DIMS = 4 };

typedef struct idx_array {
    int dims;
    size_t dim[IDX_MAX_DIMS];
    size_t bytes; /* product of the dimensions */
    uint8_t *data;
} idx_array;

/* Parses a whole file that lies in memory. `name` is for error texts only; each error names it and
 * the offset in the (unzipped) file. Nothing is trusted: a header that promises more than the rest
 * can hold is refused before anything of that size is allocated. */
tare_status idx_parse(const char *name, const void *file, size_t size, idx_array *out);
tare_status idx_load(const char *path, idx_array *out);
void idx_clear(idx_array *a);

#endif
