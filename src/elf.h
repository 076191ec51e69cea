/* Whether a file may be given to dlopen. */
#ifndef TARE_ELF_H
#define TARE_ELF_H

#include <stddef.h>

/* 1: a regular file that holds a whole shared library of this machine; 0: `why` says what it is
 * instead. The loader maps what the headers announce without looking at the file's length, so that
 * a truncated one kills the process, and opening a fifo waits for ever. */
int tare_elf_check(const char *path, char *why, size_t size);

#endif
