/* Faults of CUDA on the emulated runtime: a whole job, from encoding to reading y back, in which
 * the n-th call of the runtime fails, for every n until none does; memory that runs out; an error
 * that sticks, after which the device is lost and the CPU goes on. Each in a process of its own
 * (Criterion), since the emulator reads its orders from the environment and an error stays. */
#include "tests/cuda_emu/strike.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 24, K = 160, M = 3 };

static const struct {
    const char *format, *row;
    tare_type x;
    uint32_t flags;
} kinds[] = {{"f32", "matmul_f32_cu", TARE_F32, 0},
             {"f16", "matmul_f16_cu", TARE_F16, 0},
             {"bf16", "matmul_bf16_cu", TARE_BF16, 0},
             {"i8-row", "matmul_w8_cu", TARE_F16, 0},
             {"i4-g32", "matmul_w4_cu", TARE_F16, 0},
             {"f8-row", "matmul_f8_cu", TARE_F16, 0},
             {"f8-row", "matmul_f8a8_cu", TARE_BF16, TARE_X_F8},
             {"i8-row-z", "matmul_w8a8_cu", TARE_F16, TARE_X_I8},
             {"i4-g64", "matmul_w4a8_cu", TARE_F32, TARE_X_I8},
             {"bitmap/f16", "matmul_bitmap_cu", TARE_F16, 0},
             {"2:4/bf16", "matmul_nm_cu", TARE_BF16, 0},
             {"2:4/f16", "matmul_nm24_cu", TARE_F16, 0},
             {"2:4/i8-row", "matmul_nm24i8_cu", TARE_BF16, TARE_X_I8},
             {"bitmap/i8-tensor", "matmul_bitmapi8_cu", TARE_F32, TARE_X_I8},
             {"4:8/i8-row", "matmul_nmi8_cu", TARE_F16, TARE_X_I8},
             {"csr/f32", "matmul_csr_cu", TARE_F32, 0},
             {"bs16x16/f16", "matmul_bs_cu", TARE_F16, 0},
             {"bs64x64/f16", "matmul_bs_wgmma", TARE_F16, 0},
             {"f32", "matmul_f32_cublaslt", TARE_F32, 0},
             {"f32", "matmul_tf32_cublaslt", TARE_F32, TARE_TF32},
             {"f16", "matmul_f16_cublaslt", TARE_F16, 0},
             {"bf16", "matmul_bf16_cublaslt", TARE_BF16, 0},
             {"i8-row", "matmul_w8a8_cublaslt", TARE_F16, TARE_X_I8},
             {"f8-row", "matmul_f8_cublaslt", TARE_F16, TARE_X_F8 | TARE_SUM_F8},
             {"csr/bf16", "matmul_csr_cusparse", TARE_BF16, 0}, /* in f32 it need not repeat */
             {"bs16x16/f16", "matmul_bs_cusparse", TARE_F16, 0},
             {"i8-row", "matmul_w8_cublaslt", TARE_F16, 0},
             {"i4-g32", "matmul_w4_cublaslt", TARE_F16, TARE_W_ROUND},
             {"bitmap/f16", "matmul_bitmap_cublaslt", TARE_F16, 0},
             {"2:4/bf16", "matmul_nm_cublaslt", TARE_BF16, 0},
             {"csr/i8-row", "matmul_csr_cublaslt", TARE_F16, 0},
             {"bs16x16/f16", "matmul_bs_cublaslt", TARE_F16, 0},
             {"2:4/f16", "matmul_nm24f16_cusparselt", TARE_F16, 0},
             {"2:4/bf16", "matmul_nm24bf16_cusparselt", TARE_BF16, TARE_RELU},
             {"2:4/i8-row", "matmul_nm24i8_cusparselt", TARE_F16, TARE_X_I8},
             {"2:4/f8-row", "matmul_nm24f8_cusparselt", TARE_F32, TARE_X_F8 | TARE_SUM_F8},
             {"bs4x4/i8-row", "matmul_bsi8_cu", TARE_F16, TARE_X_I8}};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct job {
    tare_tensor t;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y;
} job;

static tare_status attempt(job *j, tare_device *d, int kind, void *out) {
    static float w[N * K], x[M * K];
    tare_type type = kinds[kind].x;
    size_t element = tare_type_bytes(type);
    uint64_t state = 11;
    tare_format f;
    tare_plan_options only = {.only = kinds[kind].row};
    tare_plan plan;
    TARE_TRY(tare_format_parse(kinds[kind].format, &f));
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    TARE_TRY(tare_encode(&f, N, K, w, &j->t));
    tare_problem p = tare_problem_matmul(&j->t, M, type, type, kinds[kind].flags);
    for (int i = 0; i < M * K; i++) tare_store(type, x, (size_t)i, (float)(i % 7) - 3);
    TARE_TRY(tare_plan_make(d, &p, &only, &plan));
    TARE_TRY(tare_pack(&plan, &j->t, &j->w));
    TARE_TRY(tare_stream_create(d, &j->s));
    TARE_TRY(tare_stream_reserve(j->s, &plan));
    TARE_TRY(tare_buffer_create(d, M * K * element, &j->x));
    TARE_TRY(tare_buffer_create(d, M * N * element, &j->y));
    TARE_TRY(tare_buffer_write(j->s, j->x, 0, x, M * K * element));
    TARE_TRY(tare_run(&plan, j->w, j->s, j->x, NULL, j->y, 0));
    TARE_TRY(tare_buffer_read(j->s, j->y, 0, out, M * N * element));
    TARE_TRY(tare_stream_sync(j->s));
    tare_times times;
    return tare_stream_times(j->s, &times);
}

static tare_status whole_job(tare_device *d, int kind, void *out) {
    job j;
    memset(&j, 0, sizeof j);
    tare_status s = attempt(&j, d, kind, out);
    tare_buffer_destroy(j.x);
    tare_buffer_destroy(j.y);
    tare_stream_destroy(j.s);
    tare_packed_destroy(j.w);
    tare_tensor_clear(&j.t);
    return s;
}

/* Every n. Some failures change nothing: a stream is destroyed whatever its wait says. */
static void strike_all(int kind, int code, tare_status expect) {
    tare_device *d = device();
    float good[M * N] = {0}, again[M * N] = {0};
    cr_assert_eq(whole_job(d, kind, good), TARE_OK, "%s: %s", kinds[kind].row, tare_last_error());
    long live = emulated("tare_emu_live"), blocks = tare_alloc_live();
    long begin = emulated("tare_emu_calls");
    cr_assert_eq(whole_job(d, kind, good), TARE_OK);
    long calls = emulated("tare_emu_calls") - begin;
    int failed = 0;
    for (long n = 1; n <= calls; n++) {
        strike(n, code);
        tare_status s = whole_job(d, kind, again);
        strike(0, 0);
        cr_expect_eq(emulated("tare_emu_live"), live, "%s, call %ld: leaks there", kinds[kind].row,
                     n);
        cr_expect_eq(tare_alloc_live(), blocks, "%s, call %ld: leaks here", kinds[kind].row, n);
        if (s == TARE_OK) continue;
        failed++;
        cr_assert_eq(s, expect, "%s, call %ld: %s", kinds[kind].row, n, tare_last_error());
        cr_assert_not_null(strstr(tare_last_error(), "cuda"), "'%s'", tare_last_error());
    }
    cr_expect_gt(failed, 10, "%s: %d of %ld calls failed", kinds[kind].row, failed, calls);
    cr_assert_eq(whole_job(d, kind, again), TARE_OK, "%s: %s", kinds[kind].row, tare_last_error());
    cr_assert_arr_eq(good, again, sizeof good, "%s after failures", kinds[kind].row);
}

/* A device whose context is gone says so to everybody, gives its memory up, and leaves the CPU
 * alone. */
Test(cuda_faults, an_error_that_sticks, .timeout = 60) {
    float out[M * N];
    tare_device *d = device(), *cpu;
    long blocks = tare_alloc_live();
    cr_assert_eq(whole_job(d, 1, out), TARE_OK, "%s", tare_last_error());
    strike(20, STICKS);
    cr_assert_eq(whole_job(d, 1, out), TARE_E_DEVICE);
    cr_expect_not_null(strstr(tare_last_error(), "IllegalAddress"), "%s", tare_last_error());
    strike(0, 0);
    cr_assert_eq(whole_job(d, 1, out), TARE_E_DEVICE);
    cr_expect_not_null(strstr(tare_last_error(), "was lost earlier"), "%s", tare_last_error());
    cr_expect_eq(tare_alloc_live(), blocks, "leaks");
    cr_assert_eq(tare_device_find("cpu", &cpu), TARE_OK);
    tare_buffer *b = NULL;
    cr_assert_eq(tare_buffer_create(cpu, 64, &b), TARE_OK);
    tare_buffer_destroy(b);
}

/* Less memory than the weights need. */
Test(cuda_faults, a_small_device, .timeout = 60) {
    float out[M * N];
    tare_device *d = device();
    setenv("TARE_EMU_MEMORY", "4096", 1);
    cr_assert_eq(whole_job(d, 0, out), TARE_E_NOMEM, "%s", tare_last_error());
    setenv("TARE_EMU_MEMORY", "1000000", 1);
    cr_assert_eq(whole_job(d, 0, out), TARE_OK, "%s", tare_last_error());
}

/* No devices is no error, and has a reason. */
static void no_devices(const char *name, const char *value, const char *why) {
    tare_device *d = NULL;
    setenv(name, value, 1);
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_E_NODEVICE);
    cr_expect_not_null(strstr(tare_last_error(), why), "%s", tare_last_error());
    cr_expect_not_null(tare_backend_refusal(0));
}
Test(cuda_faults, no_gpu, .timeout = 60) {
    no_devices("TARE_EMU_DEVICES", "0", "NoDevice");
}
Test(cuda_faults, driver_too_old, .timeout = 60) {
    no_devices("TARE_EMU_DRIVER", "old", "InsufficientDriver");
}
Test(cuda_faults, gpu_too_old, .timeout = 60) {
    no_devices("TARE_EMU_SM", "75", "8.0 and newer");
}

Test(cuda_faults, the_nth_call_fails, .timeout = 300) {
    for (int i = 0; i < KINDS; i++) strike_all(i, UNKNOWN, TARE_E_DEVICE);
}

Test(cuda_faults, memory_runs_out_in_every_call, .timeout = 300) {
    for (int i = 0; i < KINDS; i++) strike_all(i, NO_MEMORY, TARE_E_NOMEM);
}
