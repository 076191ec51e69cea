/* The parameters of the kernels: a table a class of devices, replaced by what tuning stored for a
 * device. PoCL runs a work-item as a loop of one core: it wants few work-items with wide vectors
 * and no local memory; a GPU wants many with short ones.
 *
 * Stored parameters are a small text file in the cache's folder, named by a hash of the device, its
 * driver and class, and holding all of these:
 *
 *     tare-opencl-params 1
 *     device NAME, VENDOR, DRIVER, VERSION, class 0
 *     vn 16 mt 8 ks 1 lanes 1 tiled 0
 *
 * It counts only where it is, to the byte, what would be written for its values, and where each of
 * these is one that tuning tries. Anything else is as good as no file. */
#include "opencl/ocl.h"
#include "src/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 1024, PATH_SIZE = 1200 };

static const ocl_params of_class[] = {
    [OCL_CPU] = {.vn = 16, .mt = 8, .ks = 1, .lanes = 1, .tiled = 0},
    [OCL_GPU] = {.vn = 2, .mt = 8, .ks = 8, .lanes = 32, .tiled = 1},
};

/* What each field may be: what tuning tries. Lists end with a negative number. */
const ocl_field ocl_fields[] = {
    {"vn", offsetof(ocl_params, vn), {16, 8, 4, 2, -1}},
    {"mt", offsetof(ocl_params, mt), {8, 4, 1, -1}},
    {"ks", offsetof(ocl_params, ks), {1, 4, 8, 16, 32, -1}},
    {"lanes", offsetof(ocl_params, lanes), {1, 4, 8, 16, 32, 64, -1}},
    {"tiled", offsetof(ocl_params, tiled), {0, 1, -1}},
    {NULL, 0, {-1}},
};

int *ocl_field_of(ocl_params *p, const ocl_field *f) {
    return (int *)((char *)p + f->offset);
}

static int allowed(const ocl_params *p) {
    for (const ocl_field *f = ocl_fields; f->name; f++) {
        ocl_params copy = *p;
        int value = *ocl_field_of(&copy, f), hit = 0;
        for (int i = 0; f->values[i] >= 0; i++) hit |= f->values[i] == value;
        if (!hit) return 0;
    }
    return 1;
}

/* ---- the file ---- */

static int head(const ocl_device *d, char *out, size_t size) {
    return snprintf(out, size, "tare-opencl-params 1\ndevice %s, %s, %s, %s, class %d\n", d->name,
                    d->vendor, d->driver, d->version, (int)d->class);
}

static int write_text(const ocl_device *d, const ocl_params *p, char *out, size_t size) {
    int n = head(d, out, size);
    if (n < 0 || (size_t)n >= size) return -1;
    int more = snprintf(out + n, size - (size_t)n, "vn %d mt %d ks %d lanes %d tiled %d\n", p->vn,
                        p->mt, p->ks, p->lanes, p->tiled);
    return more > 0 && (size_t)(n + more) < size ? n + more : -1;
}

/* "FOLDER/opencl-HASH.bin" is a program's; parameters stand beside it as .txt. */
static int file_of(const ocl_device *d, char *out, size_t size) {
    char key[TEXT];
    head(d, key, sizeof key);
    if (!ocl_cache_file(key, out, size)) return 0;
    memcpy(out + strlen(out) - 3, "txt", 3);
    return 1;
}

int ocl_params_parse(const ocl_device *d, const char *text, size_t bytes, ocl_params *out) {
    char again[TEXT], line[TEXT];
    ocl_params p;
    int from = head(d, again, sizeof again);
    if (from < 0 || (size_t)from >= bytes || bytes >= sizeof line) return 0;
    memcpy(line, text, bytes);
    line[bytes] = 0;
    if (sscanf(line + from, "vn %9d mt %9d ks %9d lanes %9d tiled %9d", &p.vn, &p.mt, &p.ks,
               &p.lanes, &p.tiled) != 5)
        return 0;
    int n = write_text(d, &p, again, sizeof again);
    if (n < 0 || (size_t)n != bytes || memcmp(again, text, bytes) != 0 || !allowed(&p)) return 0;
    *out = p;
    return 1;
}

static int load(const ocl_device *d, ocl_params *out) {
    char path[PATH_SIZE], text[TEXT];
    if (!file_of(d, path, sizeof path)) return 0;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    return n > 0 && ocl_params_parse(d, text, (size_t)n, out);
}

tare_status ocl_params_store(const ocl_device *d, const ocl_params *p) {
    char path[PATH_SIZE], part[PATH_SIZE + 32], text[TEXT];
    int n = write_text(d, p, text, sizeof text);
    if (n < 0 || !file_of(d, path, sizeof path))
        TARE_FAIL(TARE_E_IO, "opencl: no cache folder to keep the parameters of %s in", d->name);
    tare_cache_make_folders(path);
    snprintf(part, sizeof part, "%s.part-XXXXXX", path);
    int fd = mkstemp(part);
    if (fd < 0) TARE_FAIL(TARE_E_IO, "opencl: cannot write %s", path);
    int ok = write(fd, text, (size_t)n) == n;
    ok &= close(fd) == 0;
    if (ok && rename(part, path) == 0) return TARE_OK;
    unlink(part);
    TARE_FAIL(TARE_E_IO, "opencl: cannot write %s", path);
}

/* TARE_OPENCL_CLASS=cpu|gpu overrules what the device says of itself: tests run the shapes of both
 * classes on whatever device there is, so what was tuned is left out then. */
ocl_params ocl_params_of(ocl_device *d) {
    const char *class = getenv("TARE_OPENCL_CLASS");
    int cpu = class && strcmp(class, "cpu") == 0, gpu = class && strcmp(class, "gpu") == 0;
    ocl_params p;
    if (cpu || gpu) d->class = cpu ? OCL_CPU : OCL_GPU;
    if (!cpu && !gpu && load(d, &p)) return p;
    return of_class[d->class];
}
