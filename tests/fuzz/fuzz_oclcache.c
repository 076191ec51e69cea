/* The reader of cached programs over hostile files. The first byte says whether the checksum and
 * the sizes are made good first, or the fuzzer would hardly get past them. What is accepted must be
 * the rest of the file, bit for bit; nothing may be allocated by a number that the file only
 * claims. */
#include "opencl/ocl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key[] = "device\ndriver\nfile.cl\n-DVN=4\nkernel void f(global int *p) {}";
enum { HEADER = 32, KEY = sizeof key - 1 };
enum { GOOD_SIZES = 1, GOOD_SUM = 2 };

static void make_good(uint8_t *file, size_t size, int what) {
    uint64_t bytes = size - HEADER - KEY;
    uint32_t crc = (uint32_t)crc32_z(0, file + HEADER, size - HEADER);
    if (what & GOOD_SIZES) memcpy(file + 16, &bytes, sizeof bytes);
    if (what & GOOD_SUM) memcpy(file + 24, &crc, sizeof crc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    size_t bytes = 0;
    if (size < 1 || size > 1 << 20) return 0;
    int what = *data++;
    size--;
    uint8_t *file = malloc(size ? size : 1);
    memcpy(file, data, size);
    if (size > HEADER + KEY) make_good(file, size, what);
    int fd = memfd_create("cache", 0);
    if (fd < 0 || write(fd, file, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    unsigned char *binary = ocl_cache_read(path, key, &bytes);
    if (binary) {
        if (bytes + HEADER + KEY != size || memcmp(file + HEADER, key, KEY) != 0 ||
            memcmp(binary, file + HEADER + KEY, bytes) != 0)
            abort();
        tare_free(binary);
    }
    close(fd);
    free(file);
    return 0;
}
