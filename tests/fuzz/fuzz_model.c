/* The model reader over hostile files. The announced length and the checksum are made good first,
 * or the fuzzer would never get past them; a model that is accepted is also written back, which
 * must give the same bytes, and run. */
#include "src/model/exec.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "src/internal.h"
#include "src/model/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_good(uint8_t *file, size_t size) {
    uint8_t *at = file + 16;
    put_u64(&at, size);
    at = file + size - MODEL_TRAILER;
    put_u32(&at, (uint32_t)crc32_z(0, file, size - MODEL_TRAILER));
}

/* Everything but the last byte of the scheme, which reading terminates. */
static void write_back(const model *m, const uint8_t *file, size_t size) {
    const size_t end = MODEL_HEADER - 1;
    void *again;
    size_t length;
    if (model_write(m, &again, &length) != TARE_OK || length != size) abort();
    const uint8_t *b = again;
    if (memcmp(b, file, end) != 0 ||
        memcmp(b + end + 1, file + end + 1, size - MODEL_TRAILER - end - 1) != 0)
        abort();
    tare_free(again);
}

static void run(const model *m) {
    exec e;
    if (exec_create(tare_device_get(0), m, 2, NULL, &e) != TARE_OK) abort();
    for (int64_t i = 0; i < 2 * e.inputs; i++) e.input[i] = (float)(i % 7) - 3;
    if (exec_run(&e, 2) != TARE_OK) abort(); /* a valid model always runs on the CPU */
    exec_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model m;
    int64_t work = 0;
    uint8_t *file = malloc(size ? size : 1);
    if (size) memcpy(file, data, size);
    if (size >= MODEL_HEADER + MODEL_TRAILER) make_good(file, size);
    if (model_parse("fuzz", file, size, &m) == TARE_OK) {
        write_back(&m, file, size);
        for (int i = 0; i < m.layers; i++) work += m.layer[i].w.n * m.layer[i].w.k;
        if (work <= 1 << 16) run(&m);
    }
    model_clear(&m);
    free(file);
    return 0;
}
