/* Built programs on disk: one file a program in the user's cache folder (src/cache.h), named by a
 * hash of all that decides it (device, driver, options, sources) and holding that text in full, so
 * that a collision or another version is no hit.
 *
 *   file   8 bytes "tareocl1", u64 bytes of key, u64 bytes of binary, u32 CRC-32 of both, u32 0,
 *          key, binary
 *
 * Written under a name of its own and renamed: of two processes that build the same program one
 * wins and both have a whole file. What can't be read, or is not whole, counts as absent and is
 * written anew; a folder that can't be written costs only the time of building. */
#include "src/cache.h"
#include "opencl/ocl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char magic[8] = "tareocl1";

typedef struct header {
    char magic[8];
    uint64_t key_bytes, binary_bytes;
    uint32_t crc, zero;
} header;

enum { PATH_SIZE = 1024, BINARY_MAX = 1 << 28 };

/* FNV-1a: a name, not a proof; the key inside the file decides. */
static uint64_t hash_of(const char *text) {
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

int ocl_cache_file(const char *key, char *out, size_t size) {
    char dir[PATH_SIZE];
    if (!tare_cache_folder(dir, sizeof dir)) return 0;
    int n = snprintf(out, size, "%s/opencl-%016llx.bin", dir, (unsigned long long)hash_of(key));
    return n > 0 && (size_t)n < size;
}

static uint32_t crc_of(const char *key, const unsigned char *binary, size_t bytes) {
    uLong c = crc32_z(0, (const unsigned char *)key, strlen(key));
    return (uint32_t)crc32_z(c, binary, bytes);
}

/* The header of a file that has just the bytes that it speaks of: only then is anything allocated
 * by its numbers. */
static int read_header(FILE *f, const char *key, header *h) {
    struct stat st;
    return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && fread(h, sizeof *h, 1, f) == 1 &&
           memcmp(h->magic, magic, sizeof magic) == 0 && h->zero == 0 &&
           h->key_bytes == strlen(key) && h->binary_bytes > 0 && h->binary_bytes < BINARY_MAX &&
           (uint64_t)st.st_size == sizeof *h + h->key_bytes + h->binary_bytes;
}

/* Compares the key piece by piece, so that a long one needs no copy. */
static int same_key(FILE *f, const char *key, uint64_t bytes) {
    char piece[4096];
    for (uint64_t at = 0; at < bytes; at += sizeof piece) {
        size_t n = bytes - at < sizeof piece ? (size_t)(bytes - at) : sizeof piece;
        if (fread(piece, 1, n, f) != n || memcmp(piece, key + at, n) != 0) return 0;
    }
    return 1;
}

unsigned char *ocl_cache_read(const char *path, const char *key, size_t *bytes) {
    unsigned char *binary = NULL;
    header h;
    /* Not a pipe, nor what blocks: the folder may be shared. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (!f) {
        if (fd >= 0) close(fd);
        return NULL;
    }
    if (read_header(f, key, &h) && same_key(f, key, h.key_bytes))
        binary = tare_alloc(h.binary_bytes);
    if (binary && (fread(binary, 1, h.binary_bytes, f) != h.binary_bytes || fgetc(f) != EOF ||
                   crc_of(key, binary, h.binary_bytes) != h.crc)) {
        tare_free(binary);
        binary = NULL;
    }
    fclose(f);
    if (binary) *bytes = h.binary_bytes;
    return binary;
}

unsigned char *ocl_cache_load(const ocl_device *d, const char *key, size_t *bytes) {
    char path[PATH_SIZE];
    (void)d;
    return ocl_cache_file(key, path, sizeof path) ? ocl_cache_read(path, key, bytes) : NULL;
}

int ocl_cache_store(const char *key, const unsigned char *binary, size_t bytes) {
    char path[PATH_SIZE], part[PATH_SIZE + 32];
    if (bytes == 0 || bytes >= BINARY_MAX) return 1; /* it would not be read again */
    header h = {.key_bytes = strlen(key), .binary_bytes = bytes};
    if (!ocl_cache_file(key, path, sizeof path)) return 1;
    memcpy(h.magic, magic, sizeof magic);
    h.crc = crc_of(key, binary, bytes);
    tare_cache_make_folders(path);
    snprintf(part, sizeof part, "%s.part-XXXXXX", path);
    int fd = mkstemp(part);
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!f) {
        if (fd >= 0) close(fd), unlink(part);
        return 0;
    }
    int ok = fwrite(&h, sizeof h, 1, f) == 1 && fwrite(key, h.key_bytes, 1, f) == 1 &&
             fwrite(binary, bytes, 1, f) == 1;
    ok &= fclose(f) == 0;
    if (ok && rename(part, path) == 0) return 1;
    unlink(part);
    return 0;
}
