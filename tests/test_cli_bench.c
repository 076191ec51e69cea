/* `tare bench` and `tare breakeven` as programs: exit codes, one-line errors, files left behind. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the tool with stdout to `out` (null: dropped) and reads what it says on stderr. */
static int tool(const char *arguments, const char *out, char error[1024]) {
    char command[1024];
    snprintf(command, sizeof command, "%s %s 2>&1 >%s", TARE_TOOL, arguments,
             out ? out : "/dev/null");
    FILE *f = popen(command, "r");
    cr_assert(f);
    size_t n = fread(error, 1, 1023, f);
    error[n] = 0;
    int status = pclose(f);
    cr_assert(WIFEXITED(status), "%s", command);
    return WEXITSTATUS(status);
}

static void make_folder(char path[64]) {
    strcpy(path, "/tmp/tare-test-XXXXXX");
    cr_assert(mkdtemp(path));
}

static int exists(const char *folder, const char *name) {
    char path[128];
    struct stat s;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &s) == 0;
}

Test(cli_bench, bad_input) {
    struct {
        const char *arguments;
        int code;
        const char *says;
    } bad[] = {{"bench nosuch", 2, "llama-7b"},
               {"bench ./nosuch.txt", 2, "nosuch.txt"},
               {"bench -n 512", 2, "-k"},
               {"bench llama-7b -n 8 -k 8", 2, "not both"},
               {"bench llama-7b bert-base", 2, "two suites"},
               {"bench -n 8 -k 8 --scheme w3a3", 2, "w3a3"},
               {"bench -n 8 -k 8 --scheme csr", 2, "csr@0.8"},
               {"bench -n 8 -k 8 -m 0", 2, "-m"},
               {"bench -n 8 -k 0", 2, "-k"},
               {"bench -n 8 -k 9223372036854775808", 2, "-k"},
               {"bench -n 16777216 -k 16777216", 2, "GB"},
               {"bench -n 8 -k 8 --cache warm", 2, "--cache"},
               {"bench -n 8 -k 8 --weights elsewhere", 2, "--weights"},
               {"bench -n 8 -k 8 --timing sundial", 2, "--timing"},
               {"bench -n 8 -k 8 --timing graph", 3, "cpu"},
               {"bench -n 8 -k 8 --limit 0", 2, "--limit"},
               {"breakeven -n 8 -k 8 --limit 0", 2, "--limit"},
               {"breakeven -n 8 -k 8 --scheme csr,csr", 2, "twice"},
               {"bench -n 8 -k 8 --weights streamed", 2, "host memory"},
               {"bench -n 8 -k 8 -o pdf", 2, "-o"},
               {"bench -n 8 -k 8 --time -1", 2, "--time"},
               {"bench -n 8 -k 8 --samples 1", 2, "--samples"},
               {"bench -n 8 -k 8 --nope", 2, "--nope"},
               {"bench -n 8 -k", 2, "-k"},
               {"bench -n 8 -k 8 -d cuda:7", 3, "cuda:7"},
               {"bench -n 8 -k 8 -d cpu,cuda:7", 3, "cuda:7"},
               {"bench -n 8 -k 8 -d cpu,", 2, "list of devices"},
               {"bench -n 8 -k 8 --kernel no_such", 3, "no_such"},
               {"bench -n 8 -k 8 --out /nonexistent/dir/x", 2, "/nonexistent/dir/x"},
               {"demo -d cuda:7,cuda:8", 3, "cuda:7"},
               {"demo -d cpu,cuda:7 --data /nonexistent", 2, "/nonexistent"},
               {"breakeven", 2, "-n"},
               {"breakeven -n 8 -k 8 --scheme csr@0.5", 2, "@"},
               {"breakeven -n 8 -k 8 --scheme f32", 2, "f32"},
               {"breakeven -n 8 -k 8 --cache both", 2, "--cache"}};
    char error[1024];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = tool(bad[i].arguments, NULL, error);
        cr_assert_eq(code, bad[i].code, "tare %s: exit %d, %s", bad[i].arguments, code, error);
        cr_assert(strstr(error, bad[i].says), "tare %s says: %s", bad[i].arguments, error);
        cr_assert(strchr(error, '\n') == error + strlen(error) - 1, "one line: %s", error);
    }
}

Test(cli_bench, help_is_no_error) {
    char error[1024];
    cr_assert_eq(tool("bench --help", NULL, error), 0);
    cr_assert_eq(tool("breakeven --help", NULL, error), 0);
    cr_assert_str_empty(error);
}

Test(cli_bench, a_limit_names_what_is_left_out) {
    char error[1024];
    int code = tool("bench -n 8,16 -k 8 -m 2 --scheme f32 --time 0.001 --samples 6 --limit 0.001",
                    NULL, error);
    cr_assert_eq(code, 0, "exit %d: %s", code, error);
    cr_assert(strstr(error, "16x8 m 2: not measured, no time left\n"), "%s", error);
    cr_assert(!strstr(error, " 8x8 m 2: not"), "the first is measured: %s", error);
}

Test(cli_bench, a_full_disk_leaves_nothing) {
    char error[1024];
    int code = tool("bench -n 16 -k 16 --scheme f32 --time 0.001 --samples 6", "/dev/full", error);
    cr_assert_eq(code, 2, "exit %d", code);
    cr_assert(strstr(error, "standard output"), "%s", error);
}

/* One small run: its file is whole, names the kernels that ran, and the mask changes them. */
Test(cli_bench, masked_and_unmasked_agree_by_different_kernels) {
    char error[1024], folder[64], line[256];
    const char *kernel[2];
    json_t *records[2];
    make_folder(folder);
    for (int masked = 0; masked < 2; masked++) {
        char path[128];
        if (masked) setenv("TARE_CPU_MASK", "0", 1);
        snprintf(path, sizeof path, "%s/%d.jsonl", folder, masked);
        snprintf(line, sizeof line,
                 "bench -n 64 -k 128 -m 2 --scheme w8a8 --time 0.01 -o jsonl --out %s", path);
        int code = tool(line, NULL, error);
        cr_assert_eq(code, 0, "exit %d: %s", code, error);
        kernel[masked] = NULL;
        records[masked] = json_array();
        FILE *f = fopen(path, "r");
        cr_assert(f);
        json_t *r;
        while ((r = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL))) {
            cr_assert(json_number_value(json_object_get(r, "error")) <= 1);
            if (strcmp(json_string_value(json_object_get(r, "scheme")), "w8a8") == 0)
                kernel[masked] = json_string_value(json_object_get(r, "kernel"));
            json_array_append_new(records[masked], r);
        }
        fclose(f);
        cr_assert(kernel[masked], "w8a8 was measured");
        const json_t *env = json_object_get(json_array_get(records[masked], 0), "env");
        cr_assert_eq(json_is_null(json_object_get(env, "mask")), !masked);
        unlink(path);
        cr_assert_not(exists(folder, "0.jsonl.part") || exists(folder, "1.jsonl.part"));
    }
    const char *features = json_string_value(
        json_object_get(json_object_get(json_array_get(records[0], 0), "env"), "features"));
    if (features && strstr(features, "avx2"))
        cr_assert_str_neq(kernel[0], kernel[1], "both ran %s", kernel[0]);
    rmdir(folder);
    for (int i = 0; i < 2; i++) json_decref(records[i]);
}
