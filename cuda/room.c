/* A stream's room: memory that a library wants beside the scratch of a plan, whose size only the
 * library knows. It grows before runs, never in one. */
#include "cuda/cu.h"

tare_status cu_stream_room(cu_stream *s, size_t bytes) {
    void *mem;
    if (bytes <= s->room_bytes) return TARE_OK;
    TARE_TRY(cu_alloc(s->device, bytes, &mem));
    cu_free(s->device, s->room); /* waits for what still uses it */
    s->room = mem;
    s->room_bytes = bytes;
    return TARE_OK;
}
