/* Libraries of vendor rows that are not there, or are none: a reason, never more. Each test is a
 * process of its own, so the variables are set before anything is opened. */
#include "cpu/cpu.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static tare_device *cpu(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    return d;
}

static void refused(const char *row, const char *reason) {
    tare_device *d = cpu();
    tare_tensor t = {.n = 8, .k = 32, .nnz = 256};
    tare_plan plan;
    tare_plan_options only = {.only = row};
    cr_assert_eq(tare_format_parse("f32", &t.format), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, 3, TARE_F32, TARE_F32, 0);
    cr_expect_eq(tare_plan_make(d, &p, &only, &plan), TARE_E_UNSUPPORTED, "%s is there", row);
    cr_expect(strstr(tare_last_error(), reason), "%s: %s", row, tare_last_error());
    cr_expect(strstr(d->info.runtime, reason), "runtime: %s", d->info.runtime);
    cr_expect_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK, "%s", tare_last_error());
}

static void both(const char *value, const char *openblas, const char *onednn) {
    setenv("TARE_OPENBLAS", value, 1);
    setenv("TARE_ONEDNN", value, 1);
    refused("matmul_f32_openblas", openblas);
    refused("matmul_f32_onednn", onednn);
}

Test(vendor_absent, no_such_file) {
    both("/none/lib.so", "no OpenBLAS: /none/lib.so was not found",
         "no oneDNN: /none/lib.so was not found");
}
Test(vendor_absent, no_such_name) {
    both("libtare-none.so.7", "no OpenBLAS: libtare-none.so.7", "no oneDNN: libtare-none.so.7");
}
Test(vendor_absent, off) {
    both("off", "no OpenBLAS: switched off by TARE_OPENBLAS",
         "no oneDNN: switched off by TARE_ONEDNN");
}
Test(vendor_absent, empty) {
    both("", "no OpenBLAS: switched off", "no oneDNN: switched off");
}
Test(vendor_absent, no_plain_file) {
    both("/dev/null", "no OpenBLAS: /dev/null is no plain file",
         "no oneDNN: /dev/null is no plain file");
}
Test(vendor_absent, never_the_current_directory) {
    both("./lib.so", "no OpenBLAS: TARE_OPENBLAS names no path from the root",
         "no oneDNN: TARE_ONEDNN names no path from the root");
}
Test(vendor_absent, another_library) {
    both("libm.so.6", "no OpenBLAS: it has no openblas_", "no oneDNN: it has no dnnl_version");
}
Test(vendor_absent, no_library) {
    both("/etc/passwd", "no OpenBLAS: /etc/passwd: ", "no oneDNN: /etc/passwd: ");
}

/* Opening a pipe to read would wait for whoever writes. */
Test(vendor_absent, a_pipe, .timeout = 20) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/tare-pipe-%d", (int)getpid());
    cr_assert_eq(mkfifo(path, 0600), 0);
    both(path, "is no plain file", "is no plain file");
    unlink(path);
}

/* OpenBLAS maps a buffer for each thread when it is opened or first used, and tries for ever. */
Test(vendor_absent, no_memory_for_buffers, .timeout = 60) {
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("AddressSanitizer needs the address space");
#endif
    struct rlimit most = {200 << 20, 200 << 20};
    if (getenv("TARE_OPENBLAS")) cr_skip_test("another OpenBLAS is asked for");
    setenv("OPENBLAS_NUM_THREADS", "2", 1);
    cr_assert_eq(setrlimit(RLIMIT_AS, &most), 0);
    refused("matmul_f32_openblas", "no OpenBLAS: no memory for its buffers");
}
