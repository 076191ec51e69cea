/* Backends as module libraries: a good one gives its devices, every wrong one is refused by the
 * name of its file with the reason, and a folder is looked into only by its absolute name. Nothing
 * that a module says of itself reaches a terminal as a command. */
#include <tare/tare.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *refusal_of(const char *file) {
    for (int i = 0; tare_backend_refusal(i); i++)
        if (strncmp(tare_backend_refusal(i), file, strlen(file)) == 0)
            return tare_backend_refusal(i);
    return "nothing was refused";
}

static void refused(const char *file, const char *reason) {
    cr_expect_not_null(strstr(refusal_of(file), reason), "%s: %s", file, refusal_of(file));
}

static int printable(const char *text) {
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~') return 0;
    return 1;
}

Test(modules, each_is_taken_or_refused_with_its_reason) {
    static const char *const wrong[][2] = {
        {"abi", "ABI number"},
        {"size", "struct size"},
        {"mute", "the module gave no reason"},
        {"reason", "no ?[2J?[31mdriver here"},
        {"no-ops", "required functions is null"},
        {"half-ops", "required functions is null"},
        {"half-graphs", "graphs take four"},
        {"no-fit", "module_row is incomplete"},
        {"row-name", "row 0 has no name"},
        {"twin-rows", "two rows are called module_row"},
        {"vendor", "vendor's name is not printable"},
        {"backend-name", "the backend's name"},
    };
    /* Refused once the table was taken: by the backend's name. */
    static const char *const late[] = {"counts -1 devices", "counts 2000000000 devices",
                                       "a device's id is not", "a second device 'CPU'",
                                       "read_gbs and f32_gflops must"};
    setenv("TARE_BACKEND_DIR", TARE_MODULES, 1);
    tare_device *d;
    cr_assert_eq(tare_device_count(), 3, "the CPU and the good modules'");
    cr_expect_eq(tare_device_find("module:0", &d), TARE_OK, "%s", tare_last_error());
    int count = 0;
    for (; tare_backend_refusal(count); count++) cr_expect(printable(tare_backend_refusal(count)));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++, count--) {
        char file[64];
        snprintf(file, sizeof file, "tare-backend-%s.so", wrong[i][0]);
        refused(file, wrong[i][1]);
    }
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        int found = 0;
        for (int k = 0; tare_backend_refusal(k); k++)
            found |= strncmp(tare_backend_refusal(k), "module: ", 8) == 0 &&
                     strstr(tare_backend_refusal(k), late[i]) != NULL;
        cr_expect(found, "nobody was refused as '%s'", late[i]);
    }
    cr_expect_eq(count, 6, "refused in vain"); /* two ids are none */
}

static void heard(void *ctx, const char *what, double done) {
    (void)done;
    cr_expect(printable(what));
    ++*(int *)ctx;
}

Test(modules, what_one_says_of_itself_is_cleaned) {
    setenv("TARE_BACKEND_DIR", TARE_MODULES, 1);
    tare_device *d;
    tare_device_info info;
    tare_clocks clocks;
    int steps = 0;
    cr_assert_eq(tare_device_find("loud:0", &d), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_device_describe(d, &info), TARE_OK);
    const char *texts[] = {info.name, info.features, info.runtime};
    for (int i = 0; i < 3; i++) {
        cr_expect(printable(texts[i]), "%s", texts[i]);
        cr_expect_eq(strncmp(texts[i], "?[31mred?31m?  xxx", 18), 0, "%s", texts[i]);
    }
    cr_expect_eq(strlen(info.name), sizeof info.name - 2); /* two bytes are one '?' */
    cr_expect_eq(info.memory, 0);
    cr_assert_eq(tare_device_clocks(d, &clocks), TARE_OK);
    cr_expect(printable(clocks.limits));
    cr_assert_eq(tare_device_tune(d, 1, heard, &steps), TARE_OK);
    cr_expect_eq(steps, 2);
    cr_assert_eq(tare_device_tune(d, 1, NULL, NULL), TARE_OK);
}

static int row_refused(void *ctx, const tare_row_report *r) {
    cr_expect_eq(r->fits, 0);
    cr_expect(printable(r->reason));
    ++*(int *)ctx;
    return 0;
}

Test(modules, a_price_that_is_no_number_and_a_reason_of_escapes) {
    setenv("TARE_BACKEND_DIR", TARE_MODULES, 1);
    tare_device *d;
    tare_plan plan;
    tare_tensor t = {
        .format = {.value = TARE_F32, .layout = TARE_DENSE}, .n = 4, .k = 4, .nnz = 16};
    cr_assert_eq(tare_device_find("loud:0", &d), TARE_OK, "%s", tare_last_error());
    for (int m = 1; m <= 2; m++) {
        int rows = 0;
        tare_problem p = tare_problem_matmul(&t, m, TARE_F32, TARE_F32, 0);
        cr_expect_eq(tare_plan_make(d, &p, NULL, &plan), TARE_E_UNSUPPORTED);
        cr_expect(printable(tare_last_error()));
        cr_assert_eq(tare_explain(d, &p, NULL, row_refused, &rows), TARE_OK);
        cr_expect_eq(rows, 1);
    }
}

Test(modules, a_relative_folder_is_refused) {
    setenv("TARE_BACKEND_DIR", "modules", 1);
    cr_assert_eq(tare_device_count(), 1);
    refused("modules", "absolute path");
}

Test(modules, a_folder_that_is_not_there_is_named) {
    setenv("TARE_BACKEND_DIR", "/nonexistent/modules", 1);
    cr_assert_eq(tare_device_count(), 1);
    refused("/nonexistent/modules", "No such file");
}

/* ---- files that are no modules ---- */

static char folder[] = "/tmp/tare-modules-XXXXXX";

static void path_of(char out[PATH_MAX], const char *name) {
    snprintf(out, PATH_MAX, "%s/tare-backend-%s.so", folder, name);
}

static void put(const char *name, const void *data, size_t bytes) {
    char path[PATH_MAX];
    path_of(path, name);
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(data, 1, bytes, f) == bytes && fclose(f) == 0);
}

static size_t good_module(char **out) {
    FILE *f = fopen(TARE_MODULES "/tare-backend-good.so", "rb");
    struct stat st;
    cr_assert(f && fstat(fileno(f), &st) == 0);
    size_t bytes = (size_t)st.st_size;
    *out = malloc(bytes);
    cr_assert_eq(fread(*out, 1, bytes, f), bytes);
    fclose(f);
    return bytes;
}

static void remove_all(void) {
    char command[PATH_MAX];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    cr_expect_eq(system(command), 0);
}

/* Cut anywhere: the loader would map what the headers announce, and die of the first touch. */
Test(modules, a_module_cut_anywhere_is_refused) {
    char *good, name[32];
    size_t bytes = good_module(&good);
    enum { CUTS = 24 };
    cr_assert_not_null(mkdtemp(folder));
    for (int i = 0; i < CUTS; i++) {
        snprintf(name, sizeof name, "cut%02d", i);
        put(name, good, i == CUTS - 1 ? bytes - 1 : bytes * (size_t)i / CUTS);
    }
    setenv("TARE_BACKEND_DIR", folder, 1);
    cr_expect_eq(tare_device_count(), 1);
    for (int i = 0; i < CUTS; i++) {
        snprintf(name, sizeof name, "tare-backend-cut%02d.so", i);
        refused(name, i == 0 ? "an empty file" : "truncated");
    }
    free(good);
    remove_all();
}

Test(modules, a_module_for_another_machine_is_refused) {
    char *good;
    size_t bytes = good_module(&good);
    cr_assert_not_null(mkdtemp(folder));
    good[4] = 3 - good[4]; /* 32 or 64 bits */
    put("class", good, bytes);
    good[4] = 3 - good[4];
    good[18] ^= 0x55; /* e_machine */
    put("machine", good, bytes);
    good[18] ^= 0x55;
    good[16] = 2; /* a program */
    put("program", good, bytes);
    put("text", "#!/bin/sh\necho this is no library, and long enough to have a header\n", 68);
    setenv("TARE_BACKEND_DIR", folder, 1);
    cr_expect_eq(tare_device_count(), 1);
    refused("tare-backend-class.so", "another processor");
    refused("tare-backend-machine.so", "another processor");
    refused("tare-backend-program.so", "no shared library");
    refused("tare-backend-text.so", "no ELF file");
    free(good);
    remove_all();
}

Test(modules, what_is_no_file_is_not_waited_for, .timeout = 20) {
    char path[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    path_of(path, "fifo");
    cr_assert_eq(mkfifo(path, 0600), 0);
    path_of(path, "folder");
    cr_assert_eq(mkdir(path, 0700), 0);
    path_of(path, "device");
    cr_assert_eq(symlink("/dev/zero", path), 0);
    path_of(path, "nowhere");
    cr_assert_eq(symlink("/nonexistent", path), 0);
    path_of(path, "esc\033[31m");
    cr_assert_eq(mkdir(path, 0700), 0);
    setenv("TARE_BACKEND_DIR", folder, 1);
    cr_expect_eq(tare_device_count(), 1);
    refused("tare-backend-fifo.so", "no regular file");
    refused("tare-backend-folder.so", "no regular file");
    refused("tare-backend-device.so", "no regular file");
    refused("tare-backend-nowhere.so", "No such file");
    refused("tare-backend-esc?[31m.so", "no regular file");
    remove_all();
}
