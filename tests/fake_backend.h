/* A backend of one device with memory of its own, whose every call can be made to fail. */
#ifndef TARE_TESTS_FAKE_BACKEND_H
#define TARE_TESTS_FAKE_BACKEND_H

#include <tare/backend.h>

/* Calls in which a fake failure can strike. */
enum {
    FAKE_ALLOC,
    FAKE_STREAM,
    FAKE_SYNC,
    FAKE_WRITE,
    FAKE_READ,
    FAKE_RUN,
    FAKE_PACK,
    FAKE_POINTS
};

typedef struct fake_state {
    int fail_point; /* which call fails */
    int fail_at;    /* the n-th of them, 1 = the next; 0: none */
    int live;       /* blocks and streams not yet given back */
} fake_state;

extern fake_state fake;
void *fake_bytes(const void *mem); /* what a device address of it stands for */
extern const tare_backend fake_backend;

#endif
