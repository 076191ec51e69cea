/* The user's cache folder: $TARE_CACHE_DIR (set to nothing, or not absolute: none), else
 * $XDG_CACHE_HOME/tare, else ~/.cache/tare. Built programs, tuned parameters and the drift of
 * `tare zero` are kept there. */
#ifndef TARE_CACHE_H
#define TARE_CACHE_H

#include <stddef.h>

/* 0: there is none, or `out` is too small for it. It may not exist yet. */
int tare_cache_folder(char *out, size_t size);
/* Makes each folder of a file's path, for its user alone. That one can't be made shows when the
 * file is opened. */
void tare_cache_make_folders(const char *path);

#endif
