/* The words of cuda/kernels/wgmma.cuh for the emulator (wgmma.cc). */
#ifndef TARE_WGMMA_EMU_H
#define TARE_WGMMA_EMU_H

#include "ptx_emu.h"

#include <stddef.h>

enum { EMU_GROUP = 128 }; /* threads of a warpgroup */

/* ---- emu.cc ---- */

extern size_t emu_dynamic_bytes;
int emu_thread();
/* Returns once all 128 threads of the warpgroup are here with the same operands. */
void emu_group_meet(const char *what, uint64_t a, uint64_t b);

/* ---- wgmma.cc ---- */

void emu_wgmma_begin();                         /* of a block */
int emu_wgmma_open(int thread);                 /* has results that nobody waited for */
void emu_wgmma_wrote(const void *to, int size); /* by this thread, in the generic proxy */
uint32_t emu_shared_address(const void *p);
void emu_fence_proxy_async();
void emu_wgmma_fence();
void emu_wgmma(float *d, uint64_t a, uint64_t b, int n, int bf16);
void emu_wgmma_commit();
void emu_wgmma_wait(int leave);

CU_DEV uint32_t cu_shared_address(const void *p) {
    return emu_shared_address(p);
}
CU_DEV void cu_fence_proxy_async() {
    emu_fence_proxy_async();
}
CU_DEV void cu_wgmma_fence() {
    emu_wgmma_fence();
}
template <int N, int BF16> CU_DEV void cu_wgmma(float *d, uint64_t a, uint64_t b) {
    emu_wgmma(d, a, b, N, BF16);
}
CU_DEV void cu_wgmma_commit() {
    emu_wgmma_commit();
}
template <int LEAVE> CU_DEV void cu_wgmma_wait() {
    emu_wgmma_wait(LEAVE);
}
template <int COUNT> CU_DEV void cu_wgmma_keep(float *) {}

#endif
