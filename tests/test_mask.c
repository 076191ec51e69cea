/* Every ISA mask gives the same answers by different kernels. Each mask is a process of its own,
 * because features are read once: the program calls itself with TARE_CPU_MASK set and compares what
 * comes back with the reference, and the kernels' names with the mask. */
#include "cpu/cpu.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 65, K = 131, M = 9 };

static const struct {
    const char *format;
    uint32_t flags;
} cases[] = {{"f32", 0},
             {"f16", 0},
             {"bf16", 0},
             {"i8-row", TARE_X_I8},
             {"i8-row", 0},
             {"i4-g64", 0},
             {"i4-g64", TARE_X_I8},
             {"2:4/f32", 0},
             {"2:4/i8-row", TARE_X_I8},
             {"csr/f32", 0},
             {"bs4x4/f32", 0},
             {"bitmap/f32", 0},
             {"bitmap/i8-row", TARE_X_I8}};
enum { CASES = sizeof cases / sizeof *cases };

/* In the child: 0 when every case is right and no own kernel needs a masked feature. */
static int check_all(uint64_t mask) {
    static float w[N * K], x[M * K], y[M * N];
    static double ref[M * N], mag[M * N];
    tare_device *d = tare_device_get(0);
    tare_plan_options own = {.own_only = 1};
    if (d->features & ~(mask | CPU_LIBRARIES)) return 1; /* libraries are no features */
    for (int c = 0; c < CASES; c++) {
        tare_format f;
        tare_tensor t;
        tare_plan plan;
        tare_packed *packed;
        tare_stream *s;
        tare_buffer *xb, *yb;
        uint64_t state = 21;
        if (tare_format_parse(cases[c].format, &f) != TARE_OK) return 2;
        fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
        fill_x(x, TARE_F32, M, K, &state);
        if (tare_encode(&f, N, K, w, &t) != TARE_OK) return 3;
        tare_problem p = tare_problem_matmul(&t, M, TARE_F32, TARE_F32, cases[c].flags);
        if (tare_plan_make(d, &p, &own, &plan) != TARE_OK) return 4;
        if (strcmp(plan.kernel, "matmul_any_ref") == 0) return 5; /* portable rows must exist */
        if (tare_pack(&plan, &t, &packed) != TARE_OK || tare_stream_create(d, &s) != TARE_OK ||
            tare_stream_reserve(s, &plan) != TARE_OK ||
            tare_buffer_wrap(d, x, sizeof x, &xb) != TARE_OK ||
            tare_buffer_wrap(d, y, sizeof y, &yb) != TARE_OK ||
            tare_run(&plan, packed, s, xb, NULL, yb, 0) != TARE_OK ||
            tare_reference(&p, &t, x, NULL, ref, mag) != TARE_OK)
            return 6;
        for (int i = 0; i < M * N; i++)
            if (!(fabs((double)y[i] - ref[i]) <= tare_error_bound(&p, ref[i], mag[i]))) return 7;
        printf("mask 0x%llx %-14s %s\n", (unsigned long long)mask, cases[c].format, plan.kernel);
        tare_buffer_destroy(xb);
        tare_buffer_destroy(yb);
        tare_stream_destroy(s);
        tare_packed_destroy(packed);
        tare_tensor_clear(&t);
    }
    return 0;
}

/* As a number, or by the name. */
static void under_mask(uint64_t mask, const char *name) {
    char text[32];
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)mask);
        if (name) snprintf(text, sizeof text, "%s", name);
        setenv("TARE_CPU_MASK", text, 1);
        int r = check_all(mask);
        if (r) fprintf(stderr, "mask %s: step %d: %s\n", text, r, tare_last_error());
        fflush(NULL);
        _exit(r);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "mask 0x%llx: status 0x%x",
              (unsigned long long)mask, status);
}

Test(mask, portable) {
    under_mask(0, NULL);
    under_mask(0, "portable");
}
#ifdef __x86_64__
Test(mask, avx2) {
    under_mask(CPU_AVX2, NULL);
}
Test(mask, avx512) {
    under_mask(CPU_AVX2 | CPU_AVX512, "avx512");
}
Test(mask, vnni) {
    under_mask(CPU_AVX2 | CPU_AVX512 | CPU_VNNI, NULL);
}
#endif
Test(mask, all) {
    under_mask(~(uint64_t)0, NULL);
}

Test(mask, texts) {
    static const struct {
        const char *text;
        uint64_t mask;
        int good;
    } is[] = {{"0", 0, 1},
              {"0x1f", 31, 1},
              {"18446744073709551615", UINT64_MAX, 1},
              {"portable", 0, 1},
#ifdef __x86_64__
              {"avx2", CPU_AVX2, 1},
              {"vbmi2", CPU_AVX2 | CPU_AVX512 | CPU_VNNI | CPU_VBMI2, 1},
              {"avx2,bf16", CPU_AVX2 | CPU_AVX512 | CPU_BF16, 1},
#else /* what this processor can't have is a mistake, not a mask of nothing */
              {"avx2", 0, 0},
              {"portable,avx512", 0, 0},
#endif
              {"avx3", 0, 0},
              {"avx2,", 0, 0},
              {",", 0, 0},
              {"avx2 avx512", 0, 0},
              {"3x", 0, 0},
              {"-1", 0, 0},
              {" 1", 0, 0},
              {"18446744073709551616", 0, 0},
              {"AVX2", 0, 0},
              {"010", 10, 1}, /* not octal */
              {"0x", 0, 0},
              {"0x1g", 0, 0},
              {"0x-1", 0, 0},
              {"0x 1", 0, 0},
              {"0xffffffffffffffff", UINT64_MAX, 1},
              {"0x10000000000000000", 0, 0},
              {"18446744073709551615", UINT64_MAX, 1},
              {"18446744073709551616", 0, 0},
              {"7 ", 0, 0},
              {" 7", 0, 0},
              {"+7", 0, 0},
              {"7,", 0, 0},
              {"avx2,", 0, 0},
              {",avx2", 0, 0},
              {"avx2,,vnni", 0, 0},
              {"avx2 ", 0, 0},
              {"avx2,7", 0, 0},
              {"portable,avx2", 0, 0}, /* which of the two? */
              {"avx2,portable", 0, 0},
              {"", 0, 0}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        uint64_t mask = 1;
        cr_expect_eq(cpu_mask_parse(is[i].text, &mask), is[i].good, "'%s'", is[i].text);
        if (is[i].good) cr_expect_eq(mask, is[i].mask, "'%s'", is[i].text);
    }
}

/* The library: no CPU device, rather than one of other kernels than were asked for. */
Test(mask, a_bad_one_refuses_the_device) {
    tare_device *d;
    setenv("TARE_CPU_MASK", "avx3", 1);
    cr_assert_eq(tare_device_find("cpu", &d), TARE_E_NODEVICE);
    cr_assert(strstr(tare_last_error(), "TARE_CPU_MASK"), "%s", tare_last_error());
}

/* The same of a number of threads that is none: a measurement with other threads than were asked
 * for is worse than none. */
Test(mask, bad_threads_refuse_the_device) {
    tare_device *d;
    setenv("TARE_THREADS", "2x", 1);
    cr_assert_eq(tare_device_find("cpu", &d), TARE_E_NODEVICE);
    cr_assert(strstr(tare_last_error(), "TARE_THREADS"), "%s", tare_last_error());
    cr_assert_geq(tare_threads(), 1);
}

Test(mask, threads_that_are_not_set_or_good) {
    tare_device *d;
    setenv("TARE_THREADS", "3", 1);
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    cr_assert_eq(tare_threads(), 3);
}

Test(mask, an_empty_variable_is_none) {
    tare_device *d;
    setenv("TARE_THREADS", "", 1);
    setenv("TARE_CPU_MASK", "", 1);
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK, "%s", tare_last_error());
}
