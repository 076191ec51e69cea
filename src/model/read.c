/* A file to a model. The file is hostile until the last line: no size of it is used before it has
 * been checked against the format's own arithmetic and against the bytes that are there. */
#include <math.h>
#include <stdio.h>
#include <zlib.h>

#include "src/data/file.h"
#include "src/internal.h"
#include "src/model/layout.h"
#include "src/model/model.h"

static const size_t LARGEST = (size_t)1 << 32;

typedef struct reader {
    const char *name;
    const uint8_t *file, *at;
    size_t size;
} reader;

static tare_status envelope(reader *r, model *m) {
    if (r->size < MODEL_HEADER + MODEL_TRAILER || memcmp(r->file, MODEL_MAGIC, 8) != 0)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 0: not a tare model, or truncated", r->name);
    r->at = r->file + 8;
    uint32_t version = get_u32(&r->at), layers = get_u32(&r->at);
    uint64_t total = get_u64(&r->at);
    if (version != MODEL_VERSION)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 8: version %u, this tool reads %d", r->name, version,
                  MODEL_VERSION);
    if (total != r->size)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 16: announces %llu bytes, the file has %zu", r->name,
                  (unsigned long long)total, r->size);
    const uint8_t *crc = r->file + r->size - MODEL_TRAILER;
    if ((uint32_t)crc32_z(0, r->file, r->size - MODEL_TRAILER) != get_u32(&crc))
        TARE_FAIL(TARE_E_FORMAT, "%s: the checksum does not match: corrupt", r->name);
    if (layers < 1 || layers > MODEL_MAX_LAYERS)
        TARE_FAIL(TARE_E_FORMAT, "%s: offset 12: %u layers, 1 to %d are read", r->name, layers,
                  MODEL_MAX_LAYERS);
    if (r->size < MODEL_HEADER + (size_t)layers * MODEL_LAYER + MODEL_TRAILER)
        TARE_FAIL(TARE_E_FORMAT, "%s: truncated within the headers of %u layers", r->name, layers);
    memcpy(m->scheme, r->at, MODEL_SCHEME);
    m->scheme[MODEL_SCHEME - 1] = 0;
    r->at += MODEL_SCHEME;
    m->layers = (int)layers;
    return TARE_OK;
}

static int is_float(uint32_t t) {
    return t == TARE_F32 || t == TARE_F16 || t == TARE_BF16;
}

static tare_status bad_layer(const reader *r, int i, const char *what) {
    TARE_FAIL(TARE_E_FORMAT, "%s: offset %zu: layer %d: %s", r->name,
              (size_t)MODEL_HEADER + (size_t)i * MODEL_LAYER, i, what);
}

/* The error of a check further down, with file and layer in front of it. */
static tare_status because(const reader *r, int i, tare_status s) {
    char why[300];
    if (s == TARE_OK || s == TARE_E_NOMEM) return s;
    snprintf(why, sizeof why, "%s", tare_last_error());
    return bad_layer(r, i, why);
}

static tare_status layer_header(reader *r, model *m, int i) {
    model_layer *l = &m->layer[i];
    int32_t f[9];
    for (int j = 0; j < 9; j++) f[j] = (int32_t)get_u32(&r->at);
    l->w.format = (tare_format){.value = (tare_type)f[0],
                                .layout = (tare_layout)f[1],
                                .scaling = (tare_scaling)f[2],
                                .zero_points = f[3],
                                .group = f[4],
                                .nm_n = f[5],
                                .nm_m = f[6],
                                .block_r = f[7],
                                .block_c = f[8]};
    uint32_t x = get_u32(&r->at), y = get_u32(&r->at);
    l->flags = get_u32(&r->at);
    l->w.n = (int64_t)get_u64(&r->at);
    l->w.k = (int64_t)get_u64(&r->at);
    l->w.nnz = (int64_t)get_u64(&r->at);
    for (int p = 0; p < TARE_PARTS; p++) l->w.part[p].bytes = (size_t)get_u64(&r->at);
    if (!is_float(x) || !is_float(y)) return bad_layer(r, i, "unknown type of x or y");
    l->x = (tare_type)x;
    l->y = (tare_type)y;
    if (!(l->flags & TARE_BIAS)) return bad_layer(r, i, "a layer without bias");
    tare_problem p = tare_problem_matmul(&l->w, 1, l->x, l->y, l->flags);
    return because(r, i, tare_problem_check(&p));
}

/* The sizes that the format demands are the sizes that the header announces. */
static tare_status layer_sizes(const reader *r, const model *m, int i, size_t *total) {
    const model_layer *l = &m->layer[i];
    size_t want[TARE_PARTS];
    if (i > 0 && (l->w.k != m->layer[i - 1].w.n || l->x != m->layer[i - 1].y))
        return bad_layer(r, i, "its inputs are not the outputs of the layer before");
    if (i == m->layers - 1 && l->y != TARE_F32) return bad_layer(r, i, "the last y must be f32");
    TARE_TRY(because(r, i, tare_tensor_size(&l->w.format, l->w.n, l->w.k, l->w.nnz, want)));
    int fits = tare_add_size(*total, (size_t)l->w.n * sizeof(float), total);
    for (int p = 0; p < TARE_PARTS; p++) {
        if (want[p] != l->w.part[p].bytes)
            return bad_layer(r, i, "a part's size is not what its format makes");
        fits = fits && tare_add_size(*total, want[p], total);
    }
    return fits ? TARE_OK : bad_layer(r, i, "its size overflows");
}

static tare_status take(reader *r, size_t bytes, void **out) {
    *out = tare_alloc(bytes);
    if (!*out) TARE_FAIL(TARE_E_NOMEM, "%s: no memory for %zu bytes", r->name, bytes);
    memcpy(*out, r->at, bytes);
    r->at += bytes;
    return TARE_OK;
}

static tare_status layer_data(reader *r, model_layer *l, const size_t bytes[TARE_PARTS], int i) {
    void *p;
    TARE_TRY(take(r, (size_t)l->w.n * sizeof(float), &p));
    l->bias = p;
    for (int part = 0; part < TARE_PARTS; part++) {
        if (bytes[part] == 0) continue;
        TARE_TRY(take(r, bytes[part], &l->w.part[part].data));
        l->w.part[part].bytes = bytes[part];
    }
    for (int64_t j = 0; j < l->w.n; j++)
        if (!isfinite(l->bias[j])) return bad_layer(r, i, "a bias is not finite");
    return because(r, i, tare_validate(&l->w));
}

static tare_status all(reader *r, model *m) {
    size_t bytes[MODEL_MAX_LAYERS][TARE_PARTS];
    TARE_TRY(envelope(r, m));
    size_t total = MODEL_HEADER + (size_t)m->layers * MODEL_LAYER + MODEL_TRAILER;
    for (int i = 0; i < m->layers; i++) TARE_TRY(layer_header(r, m, i));
    for (int i = 0; i < m->layers; i++) TARE_TRY(layer_sizes(r, m, i, &total));
    if (total != r->size)
        TARE_FAIL(TARE_E_FORMAT, "%s: the layers make %zu bytes, the file has %zu", r->name, total,
                  r->size);
    /* Parts without memory announce no bytes, so that an error half-way can be cleared. */
    for (int i = 0; i < m->layers; i++)
        for (int p = 0; p < TARE_PARTS; p++) {
            bytes[i][p] = m->layer[i].w.part[p].bytes;
            m->layer[i].w.part[p].bytes = 0;
        }
    for (int i = 0; i < m->layers; i++) TARE_TRY(layer_data(r, &m->layer[i], bytes[i], i));
    return TARE_OK;
}

tare_status model_parse(const char *name, const void *file, size_t size, model *out) {
    if (!name || !file || !out) TARE_FAIL(TARE_E_ARG, "model: null argument");
    memset(out, 0, sizeof *out);
    reader r = {.name = name, .file = file, .size = size};
    tare_status s = all(&r, out);
    if (s != TARE_OK) model_clear(out);
    return s;
}

tare_status model_load(const char *path, model *out) {
    void *file;
    size_t size;
    if (!path || !out) TARE_FAIL(TARE_E_ARG, "model: null argument");
    memset(out, 0, sizeof *out);
    TARE_TRY(file_read(path, LARGEST, &file, &size));
    tare_status s = model_parse(path, file, size, out);
    tare_free(file);
    return s;
}
