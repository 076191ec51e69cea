/* How much host memory there is for this process: the least of what the machine has, what the
 * control groups above the process grant (v1 and v2), and its address space (RLIMIT_AS). Buffers
 * that would follow a cache's size are bounded by it: a machine that promises memory which it does
 * not have ends the process instead of the call. */
#ifndef TARE_ROOM_H
#define TARE_ROOM_H

#include <stddef.h>

typedef struct tare_room {
    size_t all;  /* that the process may ever have */
    size_t left; /* that it can still get now */
} tare_room;

tare_room tare_room_now(void);

/* The same with `root` before every path, for tests. */
tare_room tare_room_from(const char *root);

#endif
