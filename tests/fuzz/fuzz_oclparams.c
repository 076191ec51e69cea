/* The reader of stored parameters over hostile files. The first byte says whether the head of a
 * good file is put in front, or the fuzzer would hardly get past it. What is accepted must be, to
 * the byte, what would be stored for its values, and each of them one that tuning tries. */
#include "opencl/ocl.h"
#include "src/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What params.c wants of the cache; nothing is stored here. */
int ocl_cache_file(const char *key, char *out, size_t size) {
    (void)key, (void)out, (void)size;
    return 0;
}
void tare_cache_make_folders(const char *path) {
    (void)path;
}

static const char head[] = "tare-opencl-params 1\ndevice NAME, VENDOR, 1.0, OpenCL 3.0, class 0\n";
enum { HEAD = sizeof head - 1, GOOD_HEAD = 1 };

static ocl_device device(void) {
    ocl_device d = {.class = OCL_CPU};
    strcpy(d.name, "NAME"), strcpy(d.vendor, "VENDOR");
    strcpy(d.driver, "1.0"), strcpy(d.version, "OpenCL 3.0");
    return d;
}

static void check(const ocl_params *p, const char *text, size_t size) {
    char again[256];
    ocl_params copy = *p;
    int n = snprintf(again, sizeof again, "%svn %d mt %d ks %d lanes %d tiled %d\n", head, p->vn,
                     p->mt, p->ks, p->lanes, p->tiled);
    if ((size_t)n != size || memcmp(again, text, size) != 0) abort();
    for (const ocl_field *f = ocl_fields; f->name; f++) {
        int hit = 0;
        for (int i = 0; f->values[i] >= 0; i++) hit |= f->values[i] == *ocl_field_of(&copy, f);
        if (!hit) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const ocl_params before = {-1, -2, -3, -4, -5};
    ocl_params p = before;
    if (size < 1 || size > 1 << 16) return 0;
    size_t lead = *data++ & GOOD_HEAD ? HEAD : 0, bytes = --size + lead;
    char *text = malloc(bytes ? bytes : 1);
    memcpy(text, head, lead);
    memcpy(text + lead, data, size);
    ocl_device d = device();
    if (ocl_params_parse(&d, text, bytes, &p))
        check(&p, text, bytes);
    else if (memcmp(&p, &before, sizeof p) != 0)
        abort(); /* refused, and written all the same */
    free(text);
    return 0;
}
