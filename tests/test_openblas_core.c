/* An OpenBLAS that takes the processor for one without AVX is seen through before it is opened for
 * good: it is made to, by its own variable. */
#include "cpu/cpu.h"
#include "cpu/lib/openblas.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <strings.h>

static int has_avx2(void) {
    return (cpu_features() & CPU_AVX2) != 0;
}

Test(openblas_core, opened_anew_with_better_kernels, .timeout = 60) {
    setenv("OPENBLAS_CORETYPE", "Nehalem", 1);
    const char *core = openblas_core_wanted();
    if (!core && (!has_avx2() || !openblas_open()))
        cr_skip_test("%s", has_avx2() ? openblas_text() : "no AVX2");
    cr_assert(core, "Nehalem's kernels do for a processor with AVX2");
    setenv("OPENBLAS_CORETYPE", core, 1);
    cr_assert(openblas_open(), "%s", openblas_text());
    cr_expect(strcasecmp(openblas_core(), core) == 0, "%s, not %s", openblas_core(), core);
}

Test(openblas_core, good_kernels_are_left, .timeout = 60) {
    setenv("OPENBLAS_CORETYPE", "Haswell", 1);
    if (!has_avx2()) cr_skip_test("no AVX2");
    cr_expect_null(openblas_core_wanted());
}
