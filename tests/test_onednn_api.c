/* The ABI of oneDNN as tare declares it (cpu/lib/onednn_api.h), against the library that is there
 * and, where they are installed, its headers; and the choice of its instructions. */
#include "cpu/lib/onednn.h"

#include <criterion/criterion.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#endif
#endif

#ifdef DNNL_VERSION_MAJOR
#define SAME(a, b) _Static_assert((int)(a) == (int)(b), #a " is not " #b)
#if DNNL_VERSION_MAJOR == 2
SAME(ONEDNN_MD_BYTES, sizeof(dnnl_memory_desc_t));
SAME(ONEDNN_MATMUL_BYTES, sizeof(dnnl_matmul_desc_t));
SAME(ONEDNN_RELU_2, dnnl_eltwise_relu);
SAME(ONEDNN_AVX2_VNNI_2X, dnnl_cpu_isa_avx2_vnni);
SAME(ONEDNN_AVX512_AMX_2X, dnnl_cpu_isa_avx512_core_amx);
#else
SAME(ONEDNN_RELU_3, dnnl_eltwise_relu);
SAME(ONEDNN_AVX2_VNNI, dnnl_cpu_isa_avx2_vnni);
SAME(ONEDNN_AVX512_AMX, dnnl_cpu_isa_avx512_core_amx);
#endif
SAME(ONEDNN_DIMS, DNNL_MAX_NDIMS);
SAME(sizeof(onednn_argument), sizeof(dnnl_exec_arg_t));
SAME(sizeof(onednn_version), sizeof(dnnl_version_t));
SAME(offsetof(onednn_version, cpu_runtime), offsetof(dnnl_version_t, cpu_runtime));
SAME(ONEDNN_SRC, DNNL_ARG_SRC);
SAME(ONEDNN_WEIGHTS, DNNL_ARG_WEIGHTS);
SAME(ONEDNN_DST, DNNL_ARG_DST);
SAME(ONEDNN_BIAS, DNNL_ARG_BIAS);
SAME(ONEDNN_SCRATCHPAD, DNNL_ARG_SCRATCHPAD);
SAME(ONEDNN_QUERY_WEIGHTS, dnnl_query_weights_md);
SAME(ONEDNN_QUERY_SCRATCHPAD, dnnl_query_scratchpad_md);
SAME(ONEDNN_ANY, dnnl_format_tag_any);
SAME(ONEDNN_A, dnnl_a);
SAME(ONEDNN_USER_SCRATCH, dnnl_scratchpad_mode_user);
SAME(ONEDNN_STRICT, dnnl_fpmath_mode_strict);
SAME(ONEDNN_IN_ORDER, dnnl_stream_default_flags);
SAME(ONEDNN_CPU, dnnl_cpu);
SAME(ONEDNN_NO_MEMORY, dnnl_out_of_memory);
SAME(ONEDNN_F32, dnnl_f32);
SAME(ONEDNN_BF16, dnnl_bf16);
SAME(ONEDNN_S32, dnnl_s32);
SAME(ONEDNN_S8, dnnl_s8);
SAME(ONEDNN_U8, dnnl_u8);
SAME(ONEDNN_AVX512_BF16, dnnl_cpu_isa_avx512_core_bf16);
#endif

/* What lies behind a struct of 2.x is left alone, and its end is written: they are of one size. */
static void ends_at(const unsigned char *bytes, size_t size, size_t room) {
    int end = 0;
    for (size_t i = size - 60; i < size; i++) end |= bytes[i] != 0xa5;
    cr_expect(end, "%zu bytes are too many", size);
    for (size_t i = size; i < room; i++) cr_expect_eq(bytes[i], 0xa5, "byte %zu was written", i);
}

Test(onednn_api, structs_of_2, .timeout = 60) {
    enum { ROOM = 4096 };
    static _Alignas(64) unsigned char md[ROOM], op[ROOM];
    const int64_t dims[ONEDNN_DIMS] = {4, 4}, steps[ONEDNN_DIMS] = {4, 1};
    if (!onednn_open() || onednn_major != 2) cr_skip_test("%s, not 2.x", onednn_text());
    memset(md, 0xa5, sizeof md);
    memset(op, 0xa5, sizeof op);
    cr_assert_eq(onednn.md_init_by_strides(md, 2, dims, ONEDNN_F32, steps), ONEDNN_OK);
    ends_at(md, ONEDNN_MD_BYTES, ROOM);
    cr_assert_eq(onednn.matmul_desc_init((onednn_matmul *)(void *)op, md, md, NULL, md), ONEDNN_OK);
    for (size_t i = ONEDNN_MATMUL_BYTES; i < ROOM; i++)
        cr_expect_eq(op[i], 0xa5, "byte %zu was written", i);
}

/* ---- which instructions ---- */

Test(onednn_isa, only_2_with_amx_is_lowered) {
    for (int major = 2; major <= 3; major++)
        for (int amx = 0; amx <= 1; amx++)
            cr_expect_eq(onednn_isa_lowered(major, amx, NULL), major == 2 && amx);
}

Test(onednn_isa, a_user_who_wants_less_is_obeyed) {
    static const char *const less[] = {
        "SSE41", "AVX", "AVX2", "avx2_vnni", "AVX512_CORE", "AVX512_CORE_VNNI", "avx512_core_bf16"};
    static const char *const more[] = {
        "AVX512_CORE_FP16",     "AVX512_CORE_AMX", "ALL",     "DEFAULT", "",
        "AVX512_CORE_AMX_FP16", "avx2_vnni_2",     "nonsense"};
    for (size_t i = 0; i < sizeof less / sizeof *less; i++)
        cr_expect_eq(onednn_isa_lowered(2, 1, less[i]), 0, "%s", less[i]);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        cr_expect_eq(onednn_isa_lowered(2, 1, more[i]), 1, "%s", more[i]);
}

/* Whatever was asked, what counts is what is in effect. */
Test(onednn_isa, amx_of_2_is_refused) {
    static const int safe[] = {ONEDNN_SSE41,        ONEDNN_AVX,           ONEDNN_AVX2,
                               ONEDNN_AVX2_VNNI_2X, ONEDNN_AVX512,        ONEDNN_AVX512_VNNI,
                               ONEDNN_AVX512_BF16,  ONEDNN_AVX512_FP16_2X};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        cr_expect_eq(onednn_isa_unsafe(2, 1, safe[i]), 0, "%x", safe[i]);
    cr_expect_eq(onednn_isa_unsafe(2, 1, ONEDNN_AVX512_AMX_2X), 1);
    cr_expect_eq(onednn_isa_unsafe(2, 1, 0), 1, "all of them");
    cr_expect_eq(onednn_isa_unsafe(2, 1, 0x7fff), 1, "unknown ones");
    cr_expect_eq(onednn_isa_unsafe(2, 0, 0), 0, "a processor without AMX");
    cr_expect_eq(onednn_isa_unsafe(3, 1, ONEDNN_AVX512_AMX), 0, "3.x keeps it");
}

Test(onednn_isa, names_and_exact_bytes) {
    cr_expect_str_eq(onednn_isa_name(2, 0x3e7), "avx512_core_amx");
    cr_expect_str_eq(onednn_isa_name(3, 0xfef), "avx512_core_amx");
    cr_expect_str_eq(onednn_isa_name(3, 0xf), "avx2_vnni");
    cr_expect_str_eq(onednn_isa_name(2, 0xf), "other instructions");
    cr_expect(!onednn_isa_exact_i8(2, ONEDNN_AVX512) && !onednn_isa_exact_i8(3, ONEDNN_AVX512));
    cr_expect(onednn_isa_exact_i8(2, ONEDNN_AVX512_VNNI) &&
              onednn_isa_exact_i8(3, ONEDNN_AVX512_AMX));
    cr_expect(onednn_isa_exact_i8(2, 0x407) && onednn_isa_exact_i8(3, 0xf));
    cr_expect(!onednn_isa_exact_i8(2, ONEDNN_AVX2) && !onednn_isa_exact_i8(3, ONEDNN_AVX2));
}
