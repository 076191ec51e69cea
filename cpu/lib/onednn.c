/* Opening oneDNN, and what is decided then. */
#include "cpu/lib/onednn.h"
#include "cpu/lib/library.h"
#include "src/parallel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

onednn_functions onednn;
int onednn_major;
onednn_object onednn_engine;

static const char *const files[] = {"libdnnl.so.3", "libdnnl.so.2", NULL};
static cpu_library library = {"oneDNN", "TARE_ONEDNN", files, NULL, NULL, ""};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static openmp runtime;
static int isa, counts; /* instruction set; 1: threads are OpenMP's */

static const cpu_symbol first[] = {{"dnnl_version", &onednn.version, 0}, {NULL, NULL, 0}};

static const cpu_symbol both[] = {
    {"dnnl_set_max_cpu_isa", &onednn.set_max_cpu_isa, 0},
    {"dnnl_get_effective_cpu_isa", &onednn.get_effective_cpu_isa, 0},
    {"dnnl_engine_create", &onednn.engine_create, 0},
    {"dnnl_stream_create", &onednn.stream_create, 0},
    {"dnnl_stream_wait", &onednn.stream_wait, 0},
    {"dnnl_stream_destroy", &onednn.stream_destroy, 0},
    {"dnnl_primitive_attr_create", &onednn.attr_create, 0},
    {"dnnl_primitive_attr_destroy", &onednn.attr_destroy, 0},
    {"dnnl_primitive_attr_set_scratchpad_mode", &onednn.attr_set_scratchpad_mode, 0},
    {"dnnl_primitive_attr_set_fpmath_mode", &onednn.attr_set_fpmath_mode, 1},
    {"dnnl_primitive_attr_set_post_ops", &onednn.attr_set_post_ops, 0},
    {"dnnl_post_ops_create", &onednn.post_ops_create, 0},
    {"dnnl_post_ops_destroy", &onednn.post_ops_destroy, 0},
    {"dnnl_primitive_desc_destroy", &onednn.pd_destroy, 0},
    {"dnnl_primitive_desc_query_md", &onednn.pd_query_md, 0},
    {"dnnl_reorder_primitive_desc_create", &onednn.reorder_pd_create, 0},
    {"dnnl_primitive_create", &onednn.primitive_create, 0},
    {"dnnl_primitive_execute", &onednn.primitive_execute, 0},
    {"dnnl_primitive_destroy", &onednn.primitive_destroy, 0},
    {"dnnl_memory_create", &onednn.memory_create, 0},
    {"dnnl_memory_destroy", &onednn.memory_destroy, 0},
    {"dnnl_memory_desc_get_size", &onednn.md_get_size, 0},
    {NULL, NULL, 0}};

static const cpu_symbol of_2[] = {
    {"dnnl_memory_desc_init_by_strides", &onednn.md_init_by_strides, 0},
    {"dnnl_memory_desc_init_by_tag", &onednn.md_init_by_tag, 0},
    {"dnnl_matmul_desc_init", &onednn.matmul_desc_init, 0},
    {"dnnl_primitive_desc_create", &onednn.pd_create, 0},
    {"dnnl_post_ops_append_eltwise", &onednn.append_eltwise_2, 0},
    {NULL, NULL, 0}};

static const cpu_symbol of_3[] = {
    {"dnnl_memory_desc_create_with_strides", &onednn.md_create_with_strides, 0},
    {"dnnl_memory_desc_create_with_tag", &onednn.md_create_with_tag, 0},
    {"dnnl_memory_desc_clone", &onednn.md_clone, 0},
    {"dnnl_memory_desc_destroy", &onednn.md_destroy, 0},
    {"dnnl_matmul_primitive_desc_create", &onednn.matmul_pd_create, 0},
    {"dnnl_post_ops_append_eltwise", &onednn.append_eltwise_3, 0},
    {NULL, NULL, 0}};

/* Only where its threads can be told their number: they are what a comparison is made with. */
static int take_threads(const onednn_version *v) {
    counts = v->cpu_runtime == ONEDNN_OPENMP;
    if (v->cpu_runtime == ONEDNN_SEQUENTIAL) return 1;
    if (counts && openmp_find(&runtime, library.handle)) return 1;
    return cpu_library_refuse(&library, "%d.%d.%d takes its threads from %s, not from OpenMP",
                              v->major, v->minor, v->patch,
                              counts                          ? "an unknown one"
                              : v->cpu_runtime == ONEDNN_TBB  ? "TBB"
                              : v->cpu_runtime == ONEDNN_SYCL ? "SYCL"
                                                              : "elsewhere");
}

static int take_isa(const onednn_version *v) {
    const char *most = getenv("ONEDNN_MAX_CPU_ISA");
    int amx = onednn_has_amx();
    if (!most || !*most) most = getenv("DNNL_MAX_CPU_ISA");
    int lowered = onednn_isa_lowered(v->major, amx, most);
    /* Fails where the host has used the library before; what is in effect then is what counts. */
    if (lowered) (void)onednn.set_max_cpu_isa(ONEDNN_AVX512_BF16);
    isa = onednn.get_effective_cpu_isa();
    if (onednn_isa_unsafe(v->major, amx, isa))
        return cpu_library_refuse(&library,
                                  "%d.%d.%d was in use before, with AMX code that is unsafe",
                                  v->major, v->minor, v->patch);
    snprintf(library.text, sizeof library.text, "oneDNN %d.%d.%d %s%s", v->major, v->minor,
             v->patch, onednn_isa_name(v->major, isa), lowered ? " (its AMX code is unsafe)" : "");
    return 1;
}

static int take(void) {
    openmp_look();
    if (!cpu_library_open(&library) || !cpu_library_fill(&library, first)) return 0;
    const onednn_version *v = onednn.version();
    if (v->major != 2 && v->major != 3)
        return cpu_library_refuse(&library, "%d.%d.%d is neither 2.x nor 3.x", v->major, v->minor,
                                  v->patch);
    onednn_major = v->major;
    if (!cpu_library_fill(&library, both) ||
        !cpu_library_fill(&library, v->major == 2 ? of_2 : of_3) || !take_threads(v) ||
        !take_isa(v))
        return 0;
    if (onednn.engine_create(&onednn_engine, ONEDNN_CPU, 0) == ONEDNN_OK) return 1;
    return cpu_library_refuse(&library, "%d.%d.%d has no CPU engine", v->major, v->minor, v->patch);
}

static void open_once(void) {
    (void)take();
}

int onednn_open(void) {
    pthread_once(&once, open_once);
    return library.handle != NULL;
}

const char *onednn_text(void) {
    return library.text;
}

int onednn_exact_i8(void) {
    return onednn_isa_exact_i8(onednn_major, isa);
}

int onednn_threads(int wanted) {
    return counts && !parallel_lent() ? openmp_granted(&runtime, wanted) : 1;
}

int onednn_call(int threads, void (*fn)(void *ctx), void *ctx) {
    if (counts) return openmp_call(&runtime, threads, fn, ctx);
    fn(ctx);
    return 1;
}

openmp_before onednn_enter(int threads) {
    return counts ? openmp_enter(&runtime, threads) : (openmp_before){0};
}

void onednn_leave(openmp_before before) {
    if (counts) openmp_leave(&runtime, before);
}
