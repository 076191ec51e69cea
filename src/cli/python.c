/* Numbers as the course page's Python prints them. */
#include "src/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_python_float(double v, char *out, size_t size) {
    char e[40];
    int digits = 0;
    /* The fewest digits that read back as v; the printf of glibc rounds correctly. */
    do snprintf(e, sizeof e, "%.*e", digits, v);
    while (strtod(e, NULL) != v && ++digits < 17);
    int exponent = atoi(strchr(e, 'e') + 1);
    /* Python's rule: exponents from -4 to 15 are written out. */
    if (exponent >= -4 && exponent < 16) {
        int decimals = digits - exponent;
        snprintf(out, size, "%.*f", decimals < 1 ? 1 : decimals, v);
        return;
    }
    *strchr(e, 'e') = 0;
    snprintf(out, size, "%se%s%02d", e, exponent < 0 ? "-" : "+", abs(exponent));
}

double cli_python_round(double v, int digits) {
    char text[400];
    snprintf(text, sizeof text, "%.*f", digits, v);
    return strtod(text, NULL) + 0.0; /* no -0.0 */
}
