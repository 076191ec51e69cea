/* Hopper's warpgroup products for the emulator: D (64 x N, f32) += A (64 x 16) B (16 x N), both
 * read from the shared memory that their descriptors name.
 *
 * From the PTX ISA 9.0, section 9.7.15: the matrix descriptor (start address, leading and stride
 * byte offsets, each over 16; base offset; mode of swizzling in bits 62 and 63), K-major matrices
 * of the 128-byte mode, whose 8 rows of 128 bytes repeat each 1024 and in which address bits 4 to 6
 * are XORed with bits 7 to 9; the fragment of D for m64nNk16; and the order: wgmma.fence before
 * registers are taken, results only by wait_group, fence.proxy.async after writes of the generic
 * proxy. What is not modelled, or not allowed, ends the process with a line on stderr.
 *
 * Products are computed when all 128 threads have come; until a wait the registers hold NaN. At the
 * wait the operands must still be what they were. Of writes in the generic proxy those of cp.async
 * are followed, 16 bytes at a time; plain stores are not seen. */
#include "wgmma_emu.h"

#include <stdio.h>
#include <stdlib.h>

#include <vector>

namespace {

enum { ROWS = 64, DEPTH = 16, MOST_N = 256, ROW_BYTES = 128, PIECE = 16, THREADS = 1024 };
/* Where dynamic shared memory begins in the window: behind the system's own, and no better aligned
 * than kernels may ask for. */
enum { WINDOW = 0x480 };

[[noreturn]] void astray(const char *how) {
    fprintf(stderr, "cuda_emu: thread %d: wgmma: %s\n", emu_thread(), how);
    abort();
}

/* ---- shared memory and its two proxies ---- */

std::vector<uint16_t> unfenced;       /* by piece: 1 + the thread that wrote it and did not fence */
std::vector<size_t> written[THREADS]; /* pieces, by thread */

size_t offset_of(uint32_t address) {
    size_t at = (size_t)address - WINDOW;
    if (address < WINDOW || at + 2 > emu_dynamic_bytes) astray("a descriptor leaves shared memory");
    return at;
}

/* ---- matrices ---- */

struct matrix {
    uint32_t start, stride;

    explicit matrix(uint64_t descriptor) {
        const uint64_t known =
            0x3fffull | 0x3fffull << 16 | 0x3fffull << 32 | 7ull << 49 | 3ull << 62;
        if (descriptor & ~known) astray("bits of a descriptor that have no meaning are set");
        if (descriptor >> 62 != 1 || (descriptor >> 49 & 7) != 0)
            astray("only the 128-byte swizzle with base offset 0 is modelled");
        start = (uint32_t)(descriptor & 0x3fff) << 4;
        stride = (uint32_t)(descriptor >> 32 & 0x3fff) << 4;
        if (start & 0x380) astray("the pattern does not start on 1024 bytes");
        if (stride % 1024) astray("8 rows do not start on 1024 bytes");
    }
    /* Row r of 16 columns that lie side by side before the swizzle. */
    uint16_t element(int r, int k) const {
        uint32_t plain =
            start + (uint32_t)(r / 8) * stride + (uint32_t)(r % 8) * ROW_BYTES + (uint32_t)k * 2;
        size_t at = offset_of(plain ^ (plain >> 7 & 7) << 4);
        uint16_t v;
        if (unfenced[at / PIECE]) astray("reads what was written without fence.proxy.async");
        memcpy(&v, emu_dynamic_shared + at, sizeof v);
        return v;
    }
};

struct product {
    int taken; /* threads that have had theirs; 0: to be computed */
    double d[ROWS][MOST_N];
} products[THREADS / EMU_GROUP];

struct operation {
    uint64_t a, b, sum; /* of what the operands were */
    int n;
    long group;
};

uint64_t mix(uint64_t h, uint16_t v) {
    return (h ^ v) * 1099511628211ull;
}

uint64_t sum_of(uint64_t a, uint64_t b, int n) {
    matrix first(a), second(b);
    uint64_t h = 14695981039346656037ull;
    for (int k = 0; k < DEPTH; k++) {
        for (int r = 0; r < ROWS; r++) h = mix(h, first.element(r, k));
        for (int r = 0; r < n; r++) h = mix(h, second.element(r, k));
    }
    return h;
}

double number(uint16_t h, int bf16) {
    return (double)(bf16 ? cu_bf16_to_float(h) : emu_half_to_float(h));
}

void multiply(product *p, uint64_t a, uint64_t b, int n, int bf16) {
    static double rows[ROWS][DEPTH], columns[MOST_N][DEPTH];
    matrix first(a), second(b);
    for (int r = 0; r < ROWS; r++)
        for (int k = 0; k < DEPTH; k++) rows[r][k] = number(first.element(r, k), bf16);
    for (int r = 0; r < n; r++)
        for (int k = 0; k < DEPTH; k++) columns[r][k] = number(second.element(r, k), bf16);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < n; c++) {
            double sum = 0;
            for (int k = 0; k < DEPTH; k++) sum += rows[r][k] * columns[c][k];
            p->d[r][c] = sum;
        }
}

/* ---- threads ---- */

/* Registers that products under way add to. */
struct chain {
    float *d;
    int n;
    long group; /* the last that adds to them */
    std::vector<float> sums;
};

struct thread {
    int fenced;
    long committed;
    std::vector<chain> chains;
    std::vector<operation> operations; /* of the warpgroup; kept by its first thread */
} threads[THREADS];

chain *chain_of(thread &t, float *d, int n) {
    for (chain &c : t.chains)
        if (c.d == d) {
            if (c.n != n) astray("registers under way in products of another shape");
            return &c;
        }
    t.chains.push_back({d, n, 0, std::vector<float>(d, d + n / 2)});
    for (int i = 0; i < n / 2; i++) d[i] = NAN;
    return &t.chains.back();
}

} // namespace

void emu_wgmma_begin() {
    unfenced.assign(emu_dynamic_bytes / PIECE + 1, 0);
    for (int i = 0; i < THREADS; i++) {
        written[i].clear();
        threads[i] = {};
    }
    for (product &p : products) p.taken = 0;
}

int emu_wgmma_open(int thread) {
    return !threads[thread].chains.empty();
}

uint32_t emu_shared_address(const void *p) {
    return WINDOW + (uint32_t)((const unsigned char *)p - emu_dynamic_shared);
}

void emu_wgmma_wrote(const void *to, int size) {
    uintptr_t at = (uintptr_t)to - (uintptr_t)emu_dynamic_shared;
    for (uintptr_t piece = at / PIECE;
         at < emu_dynamic_bytes && piece * PIECE < at + (unsigned)size; piece++) {
        unfenced[piece] = (uint16_t)(emu_thread() + 1);
        written[emu_thread()].push_back(piece);
    }
}

void emu_fence_proxy_async() {
    for (size_t piece : written[emu_thread()])
        if (unfenced[piece] == emu_thread() + 1) unfenced[piece] = 0;
    written[emu_thread()].clear();
}

void emu_wgmma_fence() {
    emu_group_meet("wgmma.fence", 0, 0);
    threads[emu_thread()].fenced = 1;
}

void emu_wgmma(float *d, uint64_t a, uint64_t b, int n, int bf16) {
    int own = emu_thread(), group = own / EMU_GROUP;
    thread &t = threads[own];
    product &p = products[group];
    emu_group_meet(bf16 ? "wgmma.bf16" : "wgmma.f16", a, b);
    if (!t.fenced) astray("no wgmma.fence since registers may have been touched");
    if (p.taken == 0) multiply(&p, a, b, n, bf16);
    p.taken = (p.taken + 1) % EMU_GROUP;
    if (own % EMU_GROUP == 0) t.operations.push_back({a, b, sum_of(a, b, n), n, t.committed});
    chain *c = chain_of(t, d, n);
    c->group = t.committed;
    int row = own % EMU_GROUP / 32 * 16 + own % 32 / 4, column = own % 4 * 2;
    for (int i = 0; i < n / 2; i++) /* four a time: two columns of the row, two of the row + 8 */
        c->sums[(size_t)i] = (float)((double)c->sums[(size_t)i] +
                                     p.d[row + i / 2 % 2 * 8][i / 4 * 8 + column + i % 2]);
}

void emu_wgmma_commit() {
    emu_group_meet("wgmma.commit_group", 0, 0);
    threads[emu_thread()].committed++;
}

void emu_wgmma_wait(int leave) {
    thread &t = threads[emu_thread()];
    emu_group_meet("wgmma.wait_group", (uint64_t)leave, 0);
    t.fenced = 0;
    std::vector<operation> later;
    for (const operation &o : t.operations)
        if (o.group >= t.committed - leave)
            later.push_back(o);
        else if (sum_of(o.a, o.b, o.n) != o.sum)
            astray("operands changed while they were read");
    t.operations = later;
    for (size_t i = t.chains.size(); i-- > 0;) {
        chain &c = t.chains[i];
        if (c.group >= t.committed - leave) continue;
        memcpy(c.d, c.sums.data(), c.sums.size() * sizeof(float));
        t.chains.erase(t.chains.begin() + (long)i);
    }
}
