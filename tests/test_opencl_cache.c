/* The cache of built programs: that a later process takes what an earlier one built, that nothing
 * which is not whole is taken, and that no state of the folder keeps a program from being built. A
 * file that is taken stays the same file; one that is built again is a new one (renamed over it):
 * the inode tells. Each "process" is this program, started anew with TARE_CACHE_CHILD set. */
#include "opencl/ocl.h"
#include "src/cache.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a process that wants one program ---- */

static int child(void) {
    tare_device_info info;
    tare_rates rates;
    uint64_t features;
    void *state, *stream;
    cl_kernel k;
    memset(&info, 0, sizeof info);
    if (ocl_device_count() < 1 || ocl_open(0, &info, &rates, &features, &state) != TARE_OK)
        return 2;
    if (ocl_stream_create(state, &stream) != TARE_OK) return 3;
    if (ocl_kernel(stream, "probe.cl", "probe_nothing", "", &k) != TARE_OK) return 4;
    void *mem;
    if (ocl_alloc(state, 64, &mem) != TARE_OK) return 5;
    ocl_arg args[] = {ocl_mem(mem), ocl_int(1)};
    ocl_grid g = {{1, 1, 1}, {1, 1, 1}};
    float got = 0;
    if (ocl_launch(stream, k, &g, args, 2) != TARE_OK ||
        ocl_read(state, stream, mem, 0, &got, sizeof got) != TARE_OK ||
        ocl_stream_sync(state, stream) != TARE_OK || got != 1)
        return 6;
    ocl_free(state, mem);
    ocl_stream_destroy(state, stream);
    ocl_programs_clear(state);
    return 0;
}

static pid_t start(const char *folder) {
    char *self[] = {"/proc/self/exe", NULL};
    fflush(NULL);
    pid_t p = fork();
    if (p == 0) {
        unsetenv("BXFI_MAP"); /* by which Criterion's library would take it for its worker */
        setenv("TARE_CACHE_CHILD", "1", 1);
        setenv("TARE_CACHE_DIR", folder, 1);
        execv(self[0], self);
        _exit(99);
    }
    return p;
}

static void wait_for(pid_t p) {
    int status = -1;
    cr_assert_eq(waitpid(p, &status, 0), p);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process ended with 0x%x", status);
}

static void run_child(const char *folder) {
    wait_for(start(folder));
}

/* ---- the folder ---- */

static char root[64];

static void make_root(void) {
    snprintf(root, sizeof root, "/tmp/tare-cache-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
}

static void drop_root(void) {
    DIR *d = opendir(root);
    char path[400];
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        snprintf(path, sizeof path, "%s/%s", root, e->d_name);
        if (e->d_name[0] != '.') unlink(path);
    }
    if (d) closedir(d);
    rmdir(root);
}

/* The only entry of the folder; its files are counted. */
static int only_file(char *path, size_t size) {
    DIR *d = opendir(root);
    int n = 0;
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, size, "%s/%s", root, e->d_name);
        n++;
    }
    if (d) closedir(d);
    return n;
}

static ino_t inode_of(const char *path) {
    struct stat st;
    cr_assert_eq(stat(path, &st), 0, "%s is gone", path);
    return st.st_ino;
}

TestSuite(opencl_cache, .init = make_root, .fini = drop_root, .timeout = 120);

Test(opencl_cache, a_second_process_takes_what_the_first_built) {
    char path[400], again[400];
    run_child(root);
    cr_assert_eq(only_file(path, sizeof path), 1);
    ino_t first = inode_of(path);
    run_child(root);
    cr_assert_eq(only_file(again, sizeof again), 1);
    cr_assert_str_eq(path, again);
    cr_assert_eq(inode_of(path), first, "built again, though it was there");
}

/* The file with byte `at` flipped, or cut to `at` bytes; kept under a second name, so that its
 * inode is not given to the next file. */
static ino_t spoil(const char *path, long at, int cut) {
    char kept[500];
    FILE *f = fopen(path, "r+b");
    cr_assert_not_null(f);
    if (cut) {
        cr_assert_eq(ftruncate(fileno(f), at), 0);
    } else {
        cr_assert_eq(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
        int c = fgetc(f);
        cr_assert_eq(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
        fputc(c ^ 0x40, f);
    }
    fclose(f);
    snprintf(kept, sizeof kept, "%s/.kept", root);
    unlink(kept);
    cr_assert_eq(link(path, kept), 0);
    return inode_of(path);
}

Test(opencl_cache, what_is_not_whole_is_built_anew_and_replaced) {
    static const struct {
        long at;
        int cut;
    } harm[] = {{0, 0},  {8, 0},  {15, 0}, {16, 0}, {23, 0}, {24, 0}, {28, 0},
                {40, 0}, {-1, 0}, {0, 1},  {7, 1},  {32, 1}, {500, 1}};
    char path[400];
    run_child(root);
    cr_assert_eq(only_file(path, sizeof path), 1);
    for (size_t i = 0; i < sizeof harm / sizeof *harm; i++) {
        ino_t spoilt = spoil(path, harm[i].at, harm[i].cut);
        run_child(root);
        ino_t now = inode_of(path);
        cr_expect_neq(now, spoilt, "harm %zu: the spoilt file still stands", i);
        run_child(root);
        cr_expect_eq(inode_of(path), now, "harm %zu: what replaced it is not taken", i);
    }
    snprintf(path, sizeof path, "%s/.kept", root);
    unlink(path);
}

Test(opencl_cache, processes_that_race_leave_one_whole_file) {
    enum { RUNNERS = 4 };
    pid_t p[RUNNERS];
    char path[400];
    for (int i = 0; i < RUNNERS; i++) p[i] = start(root);
    for (int i = 0; i < RUNNERS; i++) wait_for(p[i]);
    cr_assert_eq(only_file(path, sizeof path), 1, "parts of files were left");
    ino_t left = inode_of(path);
    run_child(root);
    cr_assert_eq(inode_of(path), left);
}

Test(opencl_cache, a_folder_that_cannot_be_written_costs_only_the_build) {
    char path[400];
    run_child("/proc/self"); /* not even root writes there */
    cr_assert_eq(chmod(root, 0555), 0);
    run_child(root);
    if (geteuid() != 0) cr_assert_eq(only_file(path, sizeof path), 0);
    cr_assert_eq(chmod(root, 0700), 0);
    snprintf(path, sizeof path, "%s/file", root);
    fclose(fopen(path, "w"));
    strcat(path, "/below");
    run_child(path);
}

Test(opencl_cache, an_empty_name_switches_it_off) {
    char path[400];
    setenv("HOME", root, 1);
    setenv("XDG_CACHE_HOME", root, 1);
    setenv("TARE_CACHE_DIR", "", 1);
    cr_assert_not(tare_cache_folder(path, sizeof path));
    setenv("TARE_CACHE_DIR", "relative", 1);
    cr_assert_not(tare_cache_folder(path, sizeof path));
    unsetenv("TARE_CACHE_DIR");
    cr_assert(tare_cache_folder(path, sizeof path));
    cr_assert_eq(strncmp(path, root, strlen(root)), 0);
    setenv("POCL_CACHE_DIR", "/nonexistent", 1);
    ocl_device d;
    setenv("TARE_CACHE_DIR", "", 1);
    memset(&d, 0, sizeof d);
    cr_assert_eq(ocl_cache_store("key", (const unsigned char *)"binary", 6), 1,
                 "off is no failure");
    size_t bytes;
    cr_assert_null(ocl_cache_load(&d, "key", &bytes));
    cr_assert_eq(only_file(path, sizeof path), 0);
}

Test(opencl_cache, a_file_of_another_key_is_no_hit) {
    char a[400], b[400];
    size_t bytes = 0;
    ocl_device d;
    memset(&d, 0, sizeof d);
    setenv("TARE_CACHE_DIR", root, 1);
    ocl_cache_store("device one\nsource", (const unsigned char *)"binary", 6);
    unsigned char *got = ocl_cache_load(&d, "device one\nsource", &bytes);
    cr_assert_not_null(got);
    cr_assert_eq(bytes, 6);
    cr_assert_arr_eq(got, "binary", 6);
    tare_free(got);
    /* As if the two keys had one hash. */
    cr_assert(ocl_cache_file("device one\nsource", a, sizeof a));
    cr_assert(ocl_cache_file("device two\nsource", b, sizeof b));
    cr_assert_eq(link(a, b), 0);
    cr_assert_null(ocl_cache_load(&d, "device two\nsource", &bytes));
    cr_assert_null(ocl_cache_load(&d, "device one\nsourc", &bytes));
}

/* ---- what tuning stored ---- */

static ocl_device a_device(void) {
    ocl_device d;
    memset(&d, 0, sizeof d);
    strcpy(d.name, "One GPU");
    strcpy(d.driver, "1.2");
    d.class = OCL_GPU;
    setenv("TARE_CACHE_DIR", root, 1);
    unsetenv("TARE_OPENCL_CLASS");
    return d;
}

Test(opencl_cache, tuned_parameters_come_back_on_the_same_device_only) {
    ocl_device d = a_device(), other = d;
    ocl_params start = ocl_params_of(&d), p = start;
    p.vn = start.vn == 4 ? 8 : 4;
    p.tiled = !start.tiled;
    cr_assert_eq(ocl_params_store(&d, &p), TARE_OK, "%s", tare_last_error());
    ocl_params back = ocl_params_of(&d);
    cr_assert_eq(memcmp(&back, &p, sizeof p), 0);
    strcpy(other.driver, "1.3");
    back = ocl_params_of(&other);
    cr_assert_eq(memcmp(&back, &start, sizeof p), 0, "another driver takes them");
    setenv("TARE_OPENCL_CLASS", "gpu", 1);
    back = ocl_params_of(&d);
    cr_assert_eq(memcmp(&back, &start, sizeof p), 0, "a forced class takes them");
    setenv("TARE_CACHE_DIR", "", 1);
    cr_assert_eq(ocl_params_store(&d, &p), TARE_E_IO);
    setenv("TARE_CACHE_DIR", "/proc/self", 1);
    cr_assert_eq(ocl_params_store(&d, &p), TARE_E_IO);
}

Test(opencl_cache, a_parameter_file_counts_whole_or_not_at_all) {
    ocl_device d = a_device();
    ocl_params p;
    const char head[] = "tare-opencl-params 1\ndevice One GPU, , 1.2, , class 1\n";
    const char good[] = "vn 4 mt 8 ks 1 lanes 32 tiled 0\n";
    static const char *const bad[] = {
        "",
        "vn 4 mt 8 ks 1 lanes 32 tiled 0",
        "vn 4 mt 8 ks 1 lanes 32 tiled 0\n\n",
        "vn 04 mt 8 ks 1 lanes 32 tiled 0\n",
        "vn 4 mt 8 ks 1 lanes 32\n",
        "vn 3 mt 8 ks 1 lanes 32 tiled 0\n", /* no value that tuning tries */
        "vn -4 mt 8 ks 1 lanes 32 tiled 0\n",
        "vn 4 mt 8 ks 0 lanes 32 tiled 0\n",
        "vn 4 mt 8 ks 1 lanes 4096 tiled 0\n",
        "vn 4 mt 8 ks 1 lanes 32 tiled 2\n",
        "vn 99999999999999999999 mt 8 ks 1 lanes 32 tiled 0\n",
    };
    char text[400];
    int n = snprintf(text, sizeof text, "%s%s", head, good);
    cr_assert(ocl_params_parse(&d, text, (size_t)n, &p));
    cr_assert(p.vn == 4 && p.mt == 8 && p.ks == 1 && p.lanes == 32 && p.tiled == 0);
    for (int i = 0; i < n; i++) { /* cut short, or any byte changed */
        cr_assert_not(ocl_params_parse(&d, text, (size_t)i, &p), "taken at %d bytes", i);
        text[i] ^= 0x20;
        cr_assert_not(ocl_params_parse(&d, text, (size_t)n, &p), "taken with byte %d changed", i);
        text[i] ^= 0x20;
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        n = snprintf(text, sizeof text, "%s%s", head, bad[i]);
        cr_assert_not(ocl_params_parse(&d, text, (size_t)n, &p), "taken: %s", bad[i]);
    }
}

/* Criterion finds the program again by this symbol when it spawns a worker: keep it visible. */
__attribute__((visibility("default"))) int main(int argc, char **argv) {
    if (getenv("TARE_CACHE_CHILD")) return child();
    struct criterion_test_set *set = criterion_initialize();
    int ok = 1;
    if (criterion_handle_args(argc, argv, true)) ok = criterion_run_all_tests(set);
    criterion_finalize(set);
    return !ok;
}
