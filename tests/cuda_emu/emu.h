/* The emulator's two halves: fibers (emu.cc) and the runtime (cudart.cc). */
#ifndef TARE_EMU_H
#define TARE_EMU_H

#include <stddef.h>

/* Runs every block; 0 where a thread went astray, with a line on stderr that says how. */
int emu_run(const void *kernel, const void *args, size_t args_bytes, const unsigned grid[3],
            const unsigned block[3], size_t shared);

#endif
