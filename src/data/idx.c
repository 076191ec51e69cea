/* The IDX reader. Plain and gzipped files go through one byte source, so that both are held to the
 * same rules: right magic, right sizes, nothing missing, nothing left over. A decompression bomb
 * can't hurt: exactly as many bytes are unzipped as the header announces, and the header can't
 * announce more than the file could hold. */
#include "src/data/idx.h"

#include <string.h>
#include <zlib.h>

#include "src/data/file.h"
#include "src/internal.h"

enum {
    TYPE_BYTE = 0x08,
    /* Deflate can't expand further than 1032 : 1 (zlib's technical notes). */
    DEFLATE_MOST = 1032
};
static const size_t LARGEST = (size_t)1 << 31; /* unzipped bytes this reader accepts */

typedef struct source {
    const char *name;
    const uint8_t *at;
    size_t left; /* plain files only */
    size_t offset;
    int zipped, ended;
    z_stream z;
} source;

static tare_status zip_error(const source *s, int code) {
    TARE_FAIL(TARE_E_FORMAT, "%s: offset %zu: %s", s->name, s->offset,
              code == Z_MEM_ERROR                         ? "out of memory while unzipping"
              : code == Z_BUF_ERROR || s->z.avail_in == 0 ? "the gzip stream is truncated"
              : s->z.msg                                  ? s->z.msg
                                                          : "the gzip stream is corrupt");
}

static tare_status unzip(source *s, void *out, size_t bytes) {
    s->z.next_out = out;
    s->z.avail_out = (uInt)bytes;
    while (s->z.avail_out > 0 && !s->ended) {
        uInt before = s->z.avail_out;
        int code = inflate(&s->z, Z_NO_FLUSH);
        s->offset += before - s->z.avail_out;
        s->ended = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END) return zip_error(s, code);
    }
    if (s->z.avail_out > 0)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset %zu: truncated, %u bytes are missing", s->name,
                  s->offset, (unsigned)s->z.avail_out);
    return TARE_OK;
}

/* Exactly `bytes` more bytes of the file, or an error. */
static tare_status take(source *s, void *out, size_t bytes) {
    if (s->zipped) return unzip(s, out, bytes);
    if (bytes > s->left)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset %zu: truncated, %zu bytes are missing", s->name,
                  s->offset + s->left, bytes - s->left);
    memcpy(out, s->at, bytes);
    s->at += bytes;
    s->left -= bytes;
    s->offset += bytes;
    return TARE_OK;
}

/* The file must end here; of a gzip stream that includes its checksum. */
static tare_status finish(source *s) {
    uint8_t extra;
    if (!s->zipped) {
        if (s->left)
            TARE_FAIL(TARE_E_FORMAT, "%s: offset %zu: %zu bytes after the end of the values",
                      s->name, s->offset, s->left);
        return TARE_OK;
    }
    if (!s->ended) {
        s->z.next_out = &extra;
        s->z.avail_out = 1;
        int code = inflate(&s->z, Z_NO_FLUSH);
        if (s->z.avail_out == 0)
            TARE_FAIL(TARE_E_FORMAT, "%s: offset %zu: bytes after the end of the values", s->name,
                      s->offset);
        if (code != Z_STREAM_END) return zip_error(s, code);
    }
    if (s->z.avail_in)
        TARE_FAIL(TARE_E_FORMAT, "%s: %u bytes after the end of the gzip stream", s->name,
                  s->z.avail_in);
    return TARE_OK;
}

static size_t most(const source *s) {
    if (!s->zipped) return s->left;
    return (size_t)s->z.avail_in * DEFLATE_MOST + DEFLATE_MOST;
}

static tare_status header(source *s, idx_array *a) {
    uint8_t magic[4], be[4];
    TARE_TRY(take(s, magic, sizeof magic));
    if (magic[0] || magic[1])
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 0: not an IDX file (begins with %02x %02x)", s->name,
                  magic[0], magic[1]);
    if (magic[2] != TYPE_BYTE)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 2: values of type 0x%02x, only bytes (0x08) are read",
                  s->name, magic[2]);
    if (magic[3] < 1 || magic[3] > IDX_MAX_DIMS)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 3: %d dimensions, 1 to %d are read", s->name, magic[3],
                  IDX_MAX_DIMS);
    a->dims = magic[3];
    a->bytes = 1;
    for (int i = 0; i < a->dims; i++) {
        size_t at = s->offset;
        TARE_TRY(take(s, be, sizeof be));
        a->dim[i] = (size_t)be[0] << 24 | (size_t)be[1] << 16 | (size_t)be[2] << 8 | be[3];
        if (!a->dim[i])
            TARE_FAIL(TARE_E_SHAPE, "%s: offset %zu: dimension %d is zero", s->name, at, i);
        if (!tare_mul_size(a->bytes, a->dim[i], &a->bytes) || a->bytes > LARGEST)
            TARE_FAIL(TARE_E_SHAPE, "%s: offset %zu: the dimensions make more than %zu bytes",
                      s->name, at, LARGEST);
    }
    if (a->bytes > most(s))
        TARE_FAIL(TARE_E_FORMAT, "%s: offset %zu: truncated, the header announces %zu bytes",
                  s->name, s->offset, a->bytes);
    return TARE_OK;
}

static tare_status body(source *s, idx_array *a) {
    TARE_TRY(header(s, a));
    a->data = tare_alloc(a->bytes);
    if (!a->data) TARE_FAIL(TARE_E_NOMEM, "%s: no memory for %zu bytes", s->name, a->bytes);
    TARE_TRY(take(s, a->data, a->bytes));
    return finish(s);
}

tare_status idx_parse(const char *name, const void *file, size_t size, idx_array *out) {
    if (!name || (!file && size) || !out) TARE_FAIL(TARE_E_ARG, "idx: null argument");
    memset(out, 0, sizeof *out);
    source s = {.name = name, .at = file, .left = size};
    const uint8_t *b = file;
    if (size > LARGEST)
        TARE_FAIL(TARE_E_SHAPE, "%s: larger than the %zu bytes that are read", name, LARGEST);
    if (size >= 2 && b[0] == 0x1f && b[1] == 0x8b) {
        s.zipped = 1;
        s.z.next_in = (Bytef *)(uintptr_t)file;
        s.z.avail_in = (uInt)size;
        if (inflateInit2(&s.z, 15 + 16) != Z_OK) /* 15: largest window, 16: gzip only */
            TARE_FAIL(TARE_E_NOMEM, "%s: zlib did not start", name);
    }
    tare_status st = body(&s, out);
    if (s.zipped) inflateEnd(&s.z);
    if (st != TARE_OK) idx_clear(out);
    return st;
}

tare_status idx_load(const char *path, idx_array *out) {
    void *bytes;
    size_t size;
    if (!path || !out) TARE_FAIL(TARE_E_ARG, "idx: null argument");
    memset(out, 0, sizeof *out);
    TARE_TRY(file_read(path, LARGEST, &bytes, &size));
    tare_status s = idx_parse(path, bytes, size, out);
    tare_free(bytes);
    return s;
}

void idx_clear(idx_array *a) {
    if (!a) return;
    tare_free(a->data);
    memset(a, 0, sizeof *a);
}
