/* Backends as module libraries: a good one gives its devices, every wrong one is refused by the
 * name of its file with the reason, and a folder is looked into only by its absolute name. */
#include <tare/tare.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *refusal_of(const char *file) {
    for (int i = 0; tare_backend_refusal(i); i++)
        if (strncmp(tare_backend_refusal(i), file, strlen(file)) == 0)
            return tare_backend_refusal(i);
    return "nothing was refused";
}

static void refused(const char *file, const char *reason) {
    cr_expect_not_null(strstr(refusal_of(file), reason), "%s: %s", file, refusal_of(file));
}

Test(modules, each_is_taken_or_refused_with_its_reason) {
    setenv("TARE_BACKEND_DIR", TARE_MODULES, 1);
    tare_device *d;
    cr_assert_eq(tare_device_count(), 2, "the CPU and the good module's");
    cr_expect_eq(tare_device_find("module:0", &d), TARE_OK, "%s", tare_last_error());
    refused("tare-backend-abi.so", "ABI number");
    refused("tare-backend-size.so", "struct size");
    refused("tare-backend-mute.so", "the module gave no reason");
    refused("tare-backend-reason.so", "no driver here");
    cr_expect_null(tare_backend_refusal(4));
}

Test(modules, a_relative_folder_is_refused) {
    setenv("TARE_BACKEND_DIR", "modules", 1);
    cr_assert_eq(tare_device_count(), 1);
    refused("modules", "absolute path");
}
