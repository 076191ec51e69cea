/* Backend modules to be opened: one that works, one per way in which a module can be wrong. Built
 * once for each, MODULE says which. */
#include <tare/backend.h>

#include <stdio.h>

enum { GOOD, OTHER_ABI, OTHER_SIZE, MUTE, REASON };

/* Of another age: after the first two fields nothing is where this library has it. */
typedef struct other_table {
    uint32_t abi, struct_size;
    uintptr_t other[sizeof(tare_backend) / sizeof(uintptr_t)];
} other_table;

static other_table other = {TARE_BACKEND_ABI, TARE_BACKEND_STRUCT_SIZE, {1, 2, 3, 4, 5}};

static tare_status open_one(int index, tare_device_info *info, tare_rates *rates,
                            uint64_t *features, void **state) {
    snprintf(info->id, sizeof info->id, "module:%d", index);
    *rates = (tare_rates){.read_gbs = 1, .f32_gflops = 1};
    *features = 0;
    *state = NULL;
    return TARE_OK;
}

static int one(void) {
    return 1;
}

static const tare_backend_ops ops = {.open = open_one};
static const tare_kernel *const rows[] = {NULL};
static const tare_backend good = {.abi = TARE_BACKEND_ABI,
                                  .struct_size = TARE_BACKEND_STRUCT_SIZE,
                                  .name = "module",
                                  .device_count = one,
                                  .ops = &ops,
                                  .rows = rows};

const tare_backend *tare_backend_entry(const tare_backend_host *host, const char **why);

TARE_API const tare_backend *tare_backend_entry(const tare_backend_host *host, const char **why) {
    const tare_backend *b = NULL;
    int kind = MODULE;
    if (host->abi != TARE_BACKEND_ABI) return NULL;
    if (kind == GOOD) return &good;
    other.abi += kind == OTHER_ABI;
    other.struct_size += kind == OTHER_SIZE;
    *why = kind == REASON ? "no driver here" : NULL;
    if (kind == OTHER_ABI || kind == OTHER_SIZE) b = (const tare_backend *)(const void *)&other;
    return b;
}
