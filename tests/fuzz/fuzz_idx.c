/* The IDX reader over hostile files, gzipped or not. What is read must be whole. */
#include "src/data/idx.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned sum = 0;
    idx_array a;
    if (idx_parse("fuzz", data, size, &a) != TARE_OK) {
        if (a.data) abort();
        return 0;
    }
    size_t product = 1;
    for (int i = 0; i < a.dims; i++) product *= a.dim[i];
    if (product != a.bytes) abort();
    for (size_t i = 0; i < a.bytes; i++) sum += a.data[i]; /* every byte must be there to read */
    if (sum > 255 * a.bytes) abort();
    idx_clear(&a);
    return 0;
}
