/* The threads of a block as fibers that take turns until a barrier or an exchange within the warp
 * holds them. Their order is TARE_EMU_ORDER: forward (default), reverse, random:SEED, warps, where
 * each warp goes on to the next barrier of the block before another begins, or ahead, where each
 * warpgroup does; kernels that lack a barrier give other results in another order. A barrier that
 * some threads never reach, and lanes or warpgroups that do different things, end the launch with a
 * line on stderr. */
#include "emu.h"
#include "cuda/args.h"
#include "ptx_emu.h"
#include "wgmma_emu.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define SWITCH_FROM(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define SWITCHED(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define SWITCH_FROM(save, bottom, size) (void)0
#define SWITCHED(save, bottom, size) (void)0
#endif

emu_dim threadIdx, blockIdx, blockDim, gridDim;
unsigned char *emu_dynamic_shared;
size_t emu_dynamic_bytes;

namespace {

enum { STACK = 128 << 10, MOST = 1024 };
enum state { READY, BARRIER, EXCHANGE, GROUP, DONE };

struct copy {
    void *to;
    const void *from;
    int valid, size;
};

struct fiber {
    state is;
    jmp_buf here;
    ucontext_t first;
    int started; /* its stack is in use: it waits in `body` for the next block */
    const char *what;
    uint64_t same[2]; /* what a warpgroup must agree on */
    int words;
    void *fake;
    std::vector<copy> open;
    std::vector<std::vector<copy>> groups;
    uint32_t operands[2][EMU_WORDS]; /* two sets: a lane is never more than one exchange ahead */
    int turn;
};

struct warp_view {
    uint32_t words[2][32 * EMU_WORDS];
};

fiber fibers[MOST];
warp_view warps[MOST / 32];
char *stacks;
jmp_buf scheduler;
void *scheduler_fake;
const void *scheduler_bottom;
size_t scheduler_size;
int current;
void (*kernel)(cu_args);
cu_args arguments;

void set_thread(int i) {
    current = i;
    threadIdx = {(unsigned)i % blockDim.x, (unsigned)i / blockDim.x % blockDim.y,
                 (unsigned)i / blockDim.x / blockDim.y};
}

void yield_as(state s, const char *what) {
    fiber &f = fibers[current];
    f.is = s;
    f.what = what;
    if (_setjmp(f.here) == 0) {
        SWITCH_FROM(&f.fake, scheduler_bottom, scheduler_size);
        _longjmp(scheduler, 1);
    }
    SWITCHED(f.fake, &scheduler_bottom, &scheduler_size);
}

/* A fiber serves one block after the other. */
void body() {
    SWITCHED(nullptr, &scheduler_bottom, &scheduler_size);
    for (;;) {
        kernel(arguments);
        yield_as(DONE, "");
    }
}

void prepare_fiber(int i) {
    fiber &f = fibers[i];
    f.is = READY;
    f.turn = 0;
    f.open.clear();
    f.groups.clear();
    if (f.started) return;
    getcontext(&f.first);
    f.first.uc_stack.ss_sp = stacks + (size_t)i * STACK;
    f.first.uc_stack.ss_size = STACK;
    f.first.uc_link = nullptr;
    makecontext(&f.first, body, 0);
}

void resume(int i) {
    fiber &f = fibers[i];
    set_thread(i);
    if (_setjmp(scheduler) == 0) {
        SWITCH_FROM(&scheduler_fake, stacks + (size_t)i * STACK, STACK);
        if (f.started) _longjmp(f.here, 1);
        f.started = 1;
        setcontext(&f.first);
    }
    SWITCHED(scheduler_fake, nullptr, nullptr);
}

int complain(const char *how, int i) {
    fprintf(stderr, "cuda_emu: block (%u, %u, %u) thread %d: %s\n", blockIdx.x, blockIdx.y,
            blockIdx.z, i, how);
    return 0;
}

/* Lets the lanes of a warp go once all of them wait in the same exchange. 1: they went; 0: not
 * yet; -1: they exchange different things. */
int try_warp(int w, int threads) {
    int first = w * 32, waiting = 0;
    for (int i = first; i < first + 32 && i < threads; i++) waiting += fibers[i].is == EXCHANGE;
    if (waiting < 32) return 0;
    for (int i = first; i < first + 32; i++) {
        if (fibers[i].what != fibers[first].what && strcmp(fibers[i].what, fibers[first].what) != 0)
            return -1;
        fiber &f = fibers[i];
        memcpy(warps[w].words[f.turn & 1] + (i - first) * EMU_WORDS, f.operands[f.turn & 1],
               (size_t)f.words * 4);
    }
    for (int i = first; i < first + 32; i++) fibers[i].is = READY;
    return 1;
}

/* The same for the 128 threads of a warpgroup, and what they must agree on. */
int try_group(int g, int threads) {
    int first = g * EMU_GROUP, waiting = 0;
    for (int i = first; i < first + EMU_GROUP && i < threads; i++) waiting += fibers[i].is == GROUP;
    if (waiting < EMU_GROUP) return 0;
    const fiber &f = fibers[first];
    for (int i = first; i < first + EMU_GROUP; i++)
        if (strcmp(fibers[i].what, f.what) != 0 || fibers[i].same[0] != f.same[0] ||
            fibers[i].same[1] != f.same[1])
            return -1;
    for (int i = first; i < first + EMU_GROUP; i++) fibers[i].is = READY;
    return 1;
}

/* 1: somebody can go on or all are done; 0: astray. */
int release(int threads, int *done) {
    int moved = 0, at_barrier = 0, ended = 0;
    for (int w = 0; w * 32 < threads; w++) {
        int went = try_warp(w, threads);
        if (went < 0) return complain("lanes of a warp exchange different things", w * 32);
        moved |= went;
    }
    for (int g = 0; g * EMU_GROUP < threads; g++) {
        int went = try_group(g, threads);
        if (went < 0) return complain("threads of a warpgroup do different things", g * EMU_GROUP);
        moved |= went;
    }
    for (int i = 0; i < threads; i++) {
        at_barrier += fibers[i].is == BARRIER;
        ended += fibers[i].is == DONE;
    }
    *done = ended == threads;
    if (moved || *done) return 1;
    if (at_barrier == threads) {
        for (int i = 0; i < threads; i++) fibers[i].is = READY;
        return 1;
    }
    for (int i = 0; i < threads; i++)
        if (fibers[i].is != DONE)
            return complain(fibers[i].is == BARRIER ? "waits at a barrier that others never reach"
                                                    : "waits for lanes that never come",
                            i);
    return 0;
}

std::vector<int> order_of(int threads) {
    std::vector<int> order((size_t)threads);
    const char *env = getenv("TARE_EMU_ORDER");
    for (int i = 0; i < threads; i++) order[(size_t)i] = i;
    if (env && strcmp(env, "reverse") == 0) std::reverse(order.begin(), order.end());
    if (env && strncmp(env, "random:", 7) == 0) {
        unsigned seed = (unsigned)atoi(env + 7) + blockIdx.x * 7919u + blockIdx.y;
        for (size_t i = order.size(); i > 1; i--) {
            seed = seed * 1664525u + 1013904223u;
            std::swap(order[i - 1], order[(seed >> 8) % i]);
        }
    }
    return order;
}

/* TARE_EMU_ORDER=warps: a warp goes on until only the others can free it, so that it is as far
 * ahead of them as barriers of the block allow. 0: astray. */
int run_warps(int threads) {
    for (int w = 0; w * 32 < threads; w++) {
        int went = 1;
        while (went) {
            for (int i = w * 32; i < w * 32 + 32 && i < threads; i++)
                if (fibers[i].is == READY) resume(i);
            if ((went = try_warp(w, threads)) < 0)
                return complain("lanes of a warp exchange different things", w * 32);
        }
    }
    return 1;
}

/* Each warpgroup as far as it comes without the others. */
int run_ahead(int threads) {
    int went = 0;
    for (int first = 0; first < threads && went >= 0; first += EMU_GROUP) do {
            int last = first + EMU_GROUP < threads ? first + EMU_GROUP : threads;
            for (int i = first; i < last; i++)
                if (fibers[i].is == READY) resume(i);
            went = try_group(first / EMU_GROUP, threads);
            for (int w = first / 32; w * 32 < last && went >= 0; w++) {
                int one = try_warp(w, threads);
                went = one < 0 ? one : went | one;
            }
        } while (went > 0);
    return went >= 0;
}

int run_block(int threads) {
    const char *env = getenv("TARE_EMU_ORDER");
    int done = 0, by_warps = env && strcmp(env, "warps") == 0;
    int ahead = env && strcmp(env, "ahead") == 0;
    std::vector<int> order = order_of(threads);
    for (int i = 0; i < threads; i++) prepare_fiber(i);
    emu_wgmma_begin();
    while (!done) {
        if (by_warps && !run_warps(threads)) return 0;
        if (ahead && !run_ahead(threads))
            return complain("threads do different things together", 0);
        for (int i : order)
            if (fibers[i].is == READY) resume(i);
        if (!release(threads, &done)) return 0;
    }
    for (int i = 0; i < threads; i++)
        if (!fibers[i].open.empty() || !fibers[i].groups.empty())
            return complain("ends with copies that nobody waited for", i);
    for (int i = 0; i < threads; i++)
        if (emu_wgmma_open(i)) return complain("ends with wgmma that nobody waited for", i);
    return 1;
}

} // namespace

void emu_block_barrier() {
    yield_as(BARRIER, "barrier");
}

int emu_lane() {
    return current & 31;
}

int emu_thread() {
    return current;
}

void emu_group_meet(const char *what, uint64_t a, uint64_t b) {
    fibers[current].same[0] = a;
    fibers[current].same[1] = b;
    yield_as(GROUP, what);
}

const uint32_t *emu_exchange(const char *what, const uint32_t *operands, int words) {
    fiber &f = fibers[current];
    f.turn++;
    f.words = words;
    if (words) memcpy(f.operands[f.turn & 1], operands, (size_t)words * 4);
    yield_as(EXCHANGE, what);
    return warps[current / 32].words[f.turn & 1];
}

/* Until the wait, what lies there is undefined: nobody may still read what was there before. */
void emu_copy_later(void *to, const void *from, int valid, int size) {
    memset(to, 0xff, (size_t)size);
    fibers[current].open.push_back({to, from, valid, size});
}

void emu_copies_commit() {
    fiber &f = fibers[current];
    f.groups.push_back(f.open);
    f.open.clear();
}

void emu_copies_wait(int leave) {
    fiber &f = fibers[current];
    while ((int)f.groups.size() > leave) {
        for (const copy &c : f.groups.front()) {
            memset(c.to, 0, (size_t)c.size);
            if (c.valid) memcpy(c.to, c.from, (size_t)c.valid);
            emu_wgmma_wrote(c.to, c.size);
        }
        f.groups.erase(f.groups.begin());
    }
}

void emu_aligned(const void *p, int bytes) {
    if ((uintptr_t)p % (unsigned)bytes == 0) return;
    complain("a misaligned address", current);
    abort();
}

int emu_run(const void *function, const void *args, size_t args_bytes, const unsigned grid[3],
            const unsigned block[3], size_t shared) {
    int threads = (int)(block[0] * block[1] * block[2]), right = 1;
    if (!stacks)
        stacks = (char *)mmap(nullptr, (size_t)MOST * STACK, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED || args_bytes != sizeof arguments) return 0;
    memcpy(&kernel, &function, sizeof kernel);
    memcpy(&arguments, args, sizeof arguments);
    blockDim = {block[0], block[1], block[2]};
    gridDim = {grid[0], grid[1], grid[2]};
    emu_dynamic_bytes = shared;
    emu_dynamic_shared =
        (unsigned char *)aligned_alloc(128, (shared + 127) / 128 * 128 + (shared ? 0 : 128));
    for (unsigned z = 0; z < grid[2] && right; z++)
        for (unsigned y = 0; y < grid[1] && right; y++)
            for (unsigned x = 0; x < grid[0] && right; x++) {
                blockIdx = {x, y, z};
                memset(emu_dynamic_shared, 0xfe, shared); /* nobody may count on zeros */
                right = run_block(threads);
            }
    free(emu_dynamic_shared);
    return right;
}
