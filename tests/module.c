/* Backend modules to be opened: one that works, one per way in which a module can be wrong. Built
 * once for each, MODULE says which. */
#include <tare/backend.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    GOOD,
    OTHER_ABI,
    OTHER_SIZE,
    MUTE,
    REASON,       /* one that would clear the screen */
    NO_OPS,       /* every function null */
    HALF_OPS,     /* one of them null */
    HALF_GRAPHS,  /* one of the four */
    NO_FIT,       /* a row without it */
    ROW_NAME,     /* a row's name with an escape sequence */
    TWIN_ROWS,    /* two of a name */
    VENDOR,       /* its name is not printable */
    BACKEND_NAME, /* with an escape sequence */
    MINUS_ONE,    /* devices */
    BILLIONS,     /* of devices */
    NO_ID,
    LONG_ID, /* without an end */
    CPU_ID,  /* there is a "cpu" */
    NAN_RATE,
    LOUD /* works; says of itself what no terminal should see, without an end */
};

/* Of another age: after the first two fields nothing is where this library has it. */
typedef struct other_table {
    uint32_t abi, struct_size;
    uintptr_t other[sizeof(tare_backend) / sizeof(uintptr_t)];
} other_table;

static other_table other = {TARE_BACKEND_ABI, TARE_BACKEND_STRUCT_SIZE, {1, 2, 3, 4, 5}};
static const int kind = MODULE;

static void loud(char *text, size_t size) {
    static const char what[] = "\033[31mred\x9b"
                               "31m\xc2\x9b\r\n";
    memset(text, 'x', size);
    memcpy(text, what, sizeof what - 1);
    text[size - 1] = '\xc3'; /* half a letter */
}

static tare_status open_one(int index, tare_device_info *info, tare_rates *rates,
                            uint64_t *features, void **state) {
    snprintf(info->id, sizeof info->id, "module:%d", index);
    if (kind == CPU_ID) snprintf(info->id, sizeof info->id, "CPU");
    if (kind == NO_ID) info->id[0] = 0;
    if (kind == LONG_ID) memset(info->id, 'x', sizeof info->id);
    if (kind == LOUD) {
        snprintf(info->id, sizeof info->id, "loud:%d", index);
        loud(info->name, sizeof info->name);
        loud(info->features, sizeof info->features);
        loud(info->runtime, sizeof info->runtime);
        info->memory = -1;
    }
    *rates = (tare_rates){.read_gbs = 1, .f32_gflops = kind == NAN_RATE ? NAN : 1};
    *features = 0;
    *state = NULL;
    return TARE_OK;
}

static tare_status clocks(void *state, tare_clocks *out) {
    (void)state;
    loud(out->limits, sizeof out->limits);
    return TARE_OK;
}

static tare_status tune(void *state, double seconds,
                        void (*tell)(void *ctx, const char *what, double done), void *ctx) {
    (void)state, (void)seconds;
    tell(ctx, "\033[2Jtiles", 0.5);
    tell(ctx, NULL, 1);
    return TARE_OK;
}

static tare_status alloc(void *state, size_t bytes, void **mem) {
    (void)state, (void)bytes, (void)mem;
    return TARE_E_NOMEM;
}

static void give_back(void *state, void *mem) {
    (void)state, (void)mem;
}

static tare_status stream_create(void *state, void **stream) {
    (void)state, (void)stream;
    return TARE_OK;
}

static tare_status stream_sync(void *state, void *stream) {
    (void)state, (void)stream;
    return TARE_OK;
}

static tare_status write_none(void *state, void *stream, void *mem, size_t offset, const void *src,
                              size_t bytes) {
    (void)state, (void)stream, (void)mem, (void)offset, (void)src, (void)bytes;
    return TARE_E_DEVICE;
}

static tare_status read_none(void *state, void *stream, const void *mem, size_t offset, void *dst,
                             size_t bytes) {
    (void)state, (void)stream, (void)mem, (void)offset, (void)dst, (void)bytes;
    return TARE_E_DEVICE;
}

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    (void)rates;
    if (p->m == 1) { /* accepts, at a price that nothing compares with */
        f->cost_ns = NAN;
        return 1;
    }
    memset(f->why, '\033', sizeof f->why);
    return 0;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    (void)p, (void)t, (void)blob, (void)used;
    return TARE_E_DEVICE;
}

static tare_status run(const tare_run_args *a) {
    (void)a;
    return TARE_E_DEVICE;
}

static int count(void) {
    return kind == MINUS_ONE ? -1 : kind == BILLIONS ? 2000000000 : 1;
}

static tare_backend_ops ops = {.open = open_one,
                               .tune = tune,
                               .clocks = clocks,
                               .alloc = alloc,
                               .free = give_back,
                               .stream_create = stream_create,
                               .stream_sync = stream_sync,
                               .stream_destroy = give_back,
                               .write = write_none,
                               .read = read_none};
static tare_kernel row = {
    .name = "module_row", .op = TARE_MATMUL, .fit = fit, .pack = pack, .run = run};
static const tare_kernel *rows[] = {&row, NULL, NULL};
static tare_backend table = {.abi = TARE_BACKEND_ABI,
                             .struct_size = TARE_BACKEND_STRUCT_SIZE,
                             .name = "module",
                             .device_count = count,
                             .ops = &ops,
                             .rows = rows};

static void spoil(void) {
    if (kind == NO_OPS) memset(&ops, 0, sizeof ops);
    if (kind == HALF_OPS) ops.stream_sync = NULL;
    if (kind == HALF_GRAPHS) ops.graph_begin = stream_sync;
    if (kind == NO_FIT) row.fit = NULL;
    if (kind == ROW_NAME) row.name = "row\033[2J";
    if (kind == TWIN_ROWS) rows[1] = &row;
    if (kind == VENDOR) row.vendor = "\033]0;title\a";
    if (kind == BACKEND_NAME) table.name = "\033[2J";
}

const tare_backend *tare_backend_entry(const tare_backend_host *host, const char **why);

TARE_API const tare_backend *tare_backend_entry(const tare_backend_host *host, const char **why) {
    if (host->abi != TARE_BACKEND_ABI) return NULL;
    *why = kind == REASON ? "no \033[2J\033[31mdriver here" : NULL;
    if (kind == REASON || kind == MUTE) return NULL;
    other.abi += kind == OTHER_ABI;
    other.struct_size += kind == OTHER_SIZE;
    if (kind == OTHER_ABI || kind == OTHER_SIZE) return (const tare_backend *)(const void *)&other;
    spoil();
    return &table;
}
