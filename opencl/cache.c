/* Built programs on disk: one file a program under $TARE_CACHE_DIR, else $XDG_CACHE_HOME/tare or
 * ~/.cache/tare, named by a hash of all that decides it (device, driver, options, sources) and
 * holding that text in full, so that a collision or another version is no hit.
 *
 *   file   8 bytes "tareocl1", u64 bytes of key, u64 bytes of binary, u32 CRC-32 of both, key,
 * binary
 *
 * Written under a name of its own and renamed: of two processes that build the same program one
 * wins and both have a whole file. What can't be read, or is not whole, counts as absent and is
 * written anew; a folder that can't be written costs only the time of building. */
#include "opencl/ocl.h"

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

enum { PATH_SIZE = 1024 };

/* 0 where there is no place for a cache: TARE_CACHE_DIR set to nothing switches it off. */
static int folder(char *out, size_t size) {
    const char *own = getenv("TARE_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    int n = 0;
    if (own)
        n = *own == '/' ? snprintf(out, size, "%s", own) : 0;
    else if (xdg && *xdg == '/')
        n = snprintf(out, size, "%s/tare", xdg);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.cache/tare", home);
    return n > 0 && (size_t)n < size;
}

/* FNV-1a: a name, not a proof; the key inside the file decides. */
static uint64_t hash_of(const char *text) {
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

static int file_of(const char *key, char *out, size_t size) {
    char dir[PATH_SIZE];
    if (!folder(dir, sizeof dir)) return 0;
    int n = snprintf(out, size, "%s/opencl-%016llx.bin", dir, (unsigned long long)hash_of(key));
    return n > 0 && (size_t)n < size;
}

static uint32_t crc_of(const char *key, const unsigned char *binary, size_t bytes) {
    uLong c = crc32(0, (const unsigned char *)key, (uInt)strlen(key));
    return (uint32_t)crc32_z(c, binary, bytes);
}

static unsigned char *body(FILE *f, const header *h, const char *key) {
    char *stored = tare_alloc(h->key_bytes + 1);
    unsigned char *binary = tare_alloc(h->binary_bytes);
    int ok = stored && binary && fread(stored, 1, h->key_bytes, f) == h->key_bytes &&
             fread(binary, 1, h->binary_bytes, f) == h->binary_bytes && fgetc(f) == EOF &&
             memcmp(stored, key, h->key_bytes) == 0 &&
             crc_of(key, binary, h->binary_bytes) == h->crc;
    tare_free(stored);
    if (ok) return binary;
    tare_free(binary);
    return NULL;
}

unsigned char *ocl_cache_load(const ocl_device *d, const char *key, size_t *bytes) {
    char path[PATH_SIZE];
    unsigned char *binary = NULL;
    header h;
    (void)d;
    if (!file_of(key, path, sizeof path)) return NULL;
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    if (fread(&h, sizeof h, 1, f) == 1 && memcmp(h.magic, magic, sizeof magic) == 0 &&
        h.key_bytes == strlen(key) && h.binary_bytes > 0 && h.binary_bytes < (uint64_t)1 << 28)
        binary = body(f, &h, key);
    fclose(f);
    if (binary) *bytes = h.binary_bytes;
    return binary;
}

/* Each folder of a path; the last failure shows when the file is opened. */
static void make_folders(const char *path) {
    char at[PATH_SIZE];
    snprintf(at, sizeof at, "%s", path);
    for (char *slash = strchr(at + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        (void)mkdir(at, 0700);
        *slash = '/';
    }
}

void ocl_cache_store(const ocl_device *d, const char *key, const unsigned char *binary,
                     size_t bytes) {
    char path[PATH_SIZE], part[PATH_SIZE + 32];
    header h = {.key_bytes = strlen(key), .binary_bytes = bytes};
    (void)d;
    if (!file_of(key, path, sizeof path)) return;
    memcpy(h.magic, magic, sizeof magic);
    h.crc = crc_of(key, binary, bytes);
    make_folders(path);
    snprintf(part, sizeof part, "%s.part-XXXXXX", path);
    int fd = mkstemp(part);
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!f) {
        if (fd >= 0) close(fd), unlink(part);
        return;
    }
    int ok = fwrite(&h, sizeof h, 1, f) == 1 && fwrite(key, h.key_bytes, 1, f) == 1 &&
             fwrite(binary, bytes, 1, f) == 1;
    ok &= fclose(f) == 0;
    if (!ok || rename(part, path) != 0) unlink(part);
}
