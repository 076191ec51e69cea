/* An OpenCL driver of which the loader has no entry, in the folder of libcuda.so.1. The driver is
 * what this machine's entries name first, under the name of NVIDIA's; the loader is shown none. */
#include <tare/tare.h>

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <glob.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/tare-beside-XXXXXX";

static void put(const char *file, const char *name) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(symlink(file, path), 0, "%s", path);
}

static void clean(void) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

/* The path of PoCL's library, as the loader of libraries has it. */
static const char *pocl(void) {
    char name[200] = "";
    struct link_map *map = NULL;
    FILE *f = fopen("/etc/OpenCL/vendors/pocl.icd", "r");
    if (!f) return NULL;
    if (!fgets(name, sizeof name, f)) name[0] = 0;
    fclose(f);
    name[strcspn(name, "\n")] = 0;
    void *lib = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    return lib && dlinfo(lib, RTLD_DI_LINKMAP, &map) == 0 ? map->l_name : NULL;
}

static int devices(void) {
    tare_device *d;
    return tare_device_find("opencl:0", &d) == TARE_OK;
}

static void lay_out(void) {
    char path[200];
    const char *driver = pocl();
    if (!driver) cr_skip_test("no PoCL here");
    unsetenv("OCL_ICD_VENDORS");
    setenv("OPENCL_VENDOR_PATH", "/nonexistent", 1);
    cr_assert_not_null(mkdtemp(folder));
    put(getenv("TARE_FAKE_DRIVER"), "libcuda.so.1");
    put(driver, "libnvidia-opencl.so.1");
    snprintf(path, sizeof path, "%s/libcuda.so.1", folder);
    cr_assert_not_null(dlopen(path, RTLD_NOW), "%s", dlerror());
}

Test(opencl_beside, the_driver_has_it, .timeout = 120) {
    tare_device *d = NULL;
    tare_buffer *b = NULL;
    lay_out();
    cr_expect_eq(tare_device_find("opencl:0", &d), TARE_OK, "%s", tare_last_error());
    if (d) cr_expect_eq(tare_buffer_create(d, 64, &b), TARE_OK, "%s", tare_last_error());
    tare_buffer_destroy(b);
    clean();
}

Test(opencl_beside, not_where_the_drivers_are_named, .timeout = 120) {
    lay_out();
    setenv("OCL_ICD_VENDORS", "/nonexistent/", 1);
    cr_expect(!devices());
    clean();
}
