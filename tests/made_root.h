/* A made-up root of a file system, for what reads /proc and control groups below one. */
#ifndef TARE_TESTS_MADE_ROOT_H
#define TARE_TESTS_MADE_ROOT_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Writes a file, with the folders above it. */
static inline void put_below(const char *root, const char *path, const char *text) {
    char full[256];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *c = full + strlen(root) + 1; (c = strchr(c, '/')); c++) {
        *c = 0;
        mkdir(full, 0700);
        *c = '/';
    }
    FILE *f = fopen(full, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", full);
}

#endif
