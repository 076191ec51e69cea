/* The emulator's two halves, fibers (emu.cc) and the runtime (cudart.cc), and what fake libraries
 * need of it. */
#ifndef TARE_EMU_H
#define TARE_EMU_H

#include <stddef.h>

#include <functional>

/* Runs every block; 0 where a thread went astray, with a line on stderr that says how. */
int emu_run(const void *kernel, const void *args, size_t args_bytes, const unsigned grid[3],
            const unsigned block[3], size_t shared);

/* What a cudaStream_t of the emulator begins with, so that a library of its own can queue. */
struct emu_stream {
    void (*submit)(emu_stream *s, const std::function<void()> &work);
};
/* Now, or into the graph that the stream is captured for. */
static inline void emu_submit(void *stream, const std::function<void()> &work) {
    emu_stream *s = (emu_stream *)stream;
    if (s)
        s->submit(s, work);
    else
        work();
}

#endif
