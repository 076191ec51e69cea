/* A model to its file. */
#include <zlib.h>

#include "src/data/file.h"
#include "src/internal.h"
#include "src/model/layout.h"
#include "src/model/model.h"

void model_clear(model *m) {
    if (!m) return;
    for (int i = 0; i < MODEL_MAX_LAYERS; i++) {
        tare_tensor_clear(&m->layer[i].w);
        tare_free(m->layer[i].bias);
    }
    memset(m, 0, sizeof *m);
}

model_size model_sizes(const model *m) {
    model_size s = {.container =
                        MODEL_HEADER + (size_t)m->layers * MODEL_LAYER + (size_t)MODEL_TRAILER};
    for (int i = 0; i < m->layers; i++) {
        for (int p = 0; p < TARE_PARTS; p++) s.part[p] += m->layer[i].w.part[p].bytes;
        s.bias += (size_t)m->layer[i].w.n * sizeof(float);
    }
    s.total = s.container + s.bias;
    for (int p = 0; p < TARE_PARTS; p++) s.total += s.part[p];
    return s;
}

static void put_layer(uint8_t **at, const model_layer *l) {
    const tare_format *f = &l->w.format;
    const int32_t fields[] = {(int32_t)f->value, (int32_t)f->layout, (int32_t)f->scaling,
                              f->zero_points,    f->group,           f->nm_n,
                              f->nm_m,           f->block_r,         f->block_c};
    for (int i = 0; i < 9; i++) put_u32(at, (uint32_t)fields[i]);
    put_u32(at, (uint32_t)l->x);
    put_u32(at, (uint32_t)l->y);
    put_u32(at, l->flags);
    put_u64(at, (uint64_t)l->w.n);
    put_u64(at, (uint64_t)l->w.k);
    put_u64(at, (uint64_t)l->w.nnz);
    for (int p = 0; p < TARE_PARTS; p++) put_u64(at, l->w.part[p].bytes);
}

static void put_bytes(uint8_t **at, const void *from, size_t bytes) {
    if (bytes) memcpy(*at, from, bytes);
    *at += bytes;
}

tare_status model_write(const model *m, void **out, size_t *size) {
    if (!m || !out || !size || m->layers < 1 || m->layers > MODEL_MAX_LAYERS)
        TARE_FAIL(TARE_E_ARG, "model: nothing to write");
    size_t total = model_sizes(m).total;
    uint8_t *file = tare_alloc(total), *at = file;
    if (!file) TARE_FAIL(TARE_E_NOMEM, "model: no memory for a file of %zu bytes", total);
    put_bytes(&at, MODEL_MAGIC, 8);
    put_u32(&at, MODEL_VERSION);
    put_u32(&at, (uint32_t)m->layers);
    put_u64(&at, total);
    put_bytes(&at, m->scheme, MODEL_SCHEME);
    for (int i = 0; i < m->layers; i++) put_layer(&at, &m->layer[i]);
    for (int i = 0; i < m->layers; i++) {
        const model_layer *l = &m->layer[i];
        put_bytes(&at, l->bias, (size_t)l->w.n * sizeof(float));
        for (int p = 0; p < TARE_PARTS; p++) put_bytes(&at, l->w.part[p].data, l->w.part[p].bytes);
    }
    put_u32(&at, (uint32_t)crc32_z(0, file, total - MODEL_TRAILER));
    *out = file;
    *size = total;
    return TARE_OK;
}

tare_status model_save(const model *m, const char *path) {
    void *file;
    size_t size;
    TARE_TRY(model_write(m, &file, &size));
    tare_status s = file_save(path, file, size);
    tare_free(file);
    return s;
}
