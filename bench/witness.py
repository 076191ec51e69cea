"""PyTorch as an outside witness: the same products, timed by tare's rules, on the GPU beside it.

    witness.py SUITE...        suites/llama-7b.txt and so on; JSON lines on standard output

Cold weights: copies of W, together twice the second-level cache at least, taken in turn. Each sample replays a
CUDA graph of one product between two events; the median of the samples is kept, contestants of a shape take turns.
Data are random normal numbers, never zeros. What a call refuses is a line with its reason.
"""
import json
import statistics
import sys

import torch

SAMPLES, CACHE = 15, 2 * torch.cuda.get_device_properties(0).L2_cache_size
BATCHES = (1, 16, 64, 256, 1024, 4096)


def shapes(files):
    seen = set()
    for name in files:
        for line in open(name):
            field = line.split("#")[0].split()
            if len(field) >= 3 and (field[1], field[2]) not in seen:
                seen.add((field[1], field[2]))
                yield int(field[1]), int(field[2])


def dense(dtype):
    def make(m, n, k):
        x = torch.randn(m, k, device="cuda", dtype=dtype)
        return lambda w: torch.mm(x, w.t()), lambda: torch.randn(n, k, device="cuda", dtype=dtype)

    return make


def int8(m, n, k):
    """x arrives in f16 and is quantised a row in the timed part, as tare's w8a8 is."""
    x = torch.randn(m, k, device="cuda", dtype=torch.float16)
    scale = torch.rand(n, device="cuda") / 100

    def run(w):
        top = x.abs().amax(dim=1, keepdim=True).float()
        q = (x.float() * (127 / top)).round().to(torch.int8)
        if m <= 16:  # _int_mm wants more than 16 rows
            q = torch.nn.functional.pad(q, (0, 0, 0, 32 - m))
        y = torch._int_mm(q, w.t())[:m]
        return (y.float() * (top / 127) * scale).half()

    return run, lambda: torch.randint(-127, 128, (n, k), device="cuda", dtype=torch.int8)


def fp8(m, n, k):
    x = torch.randn(m, k, device="cuda", dtype=torch.float16)
    one = torch.ones((), device="cuda")

    def run(w):
        top = x.abs().amax().float() / 448
        return torch._scaled_mm((x.float() / top).to(torch.float8_e4m3fn), w.t(), scale_a=top, scale_b=one,
                                out_dtype=torch.bfloat16)

    return run, lambda: torch.randn(n, k, device="cuda").to(torch.float8_e4m3fn)


def structured(m, n, k):
    from torch.sparse import to_sparse_semi_structured

    x = torch.randn(m, k, device="cuda", dtype=torch.float16)

    def weights():
        w = torch.randn(n, k, device="cuda", dtype=torch.float16).view(n, k // 4, 4)
        keep = w.abs().topk(2, dim=2).indices
        return to_sparse_semi_structured(torch.zeros_like(w).scatter_(2, keep, w.gather(2, keep)).view(n, k))

    return lambda w: torch.nn.functional.linear(x, w), weights


WITNESSES = {
    "torch.mm f16": (dense(torch.float16), 2), "torch.mm bf16": (dense(torch.bfloat16), 2),
    "torch._int_mm": (int8, 1), "torch._scaled_mm e4m3": (fp8, 1), "torch 2:4 f16": (structured, 1.125),
}


def graphs(make, bytes_each, m, n, k):
    """One graph for each copy of W."""
    run, weights = make(m, n, k)
    copies = max(2, int(CACHE / (n * k * bytes_each)) + 1)
    made = []
    for _ in range(copies):
        w = weights()
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(2):
                run(w)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = run(w)
        made.append((graph, w, y))
    return made


def sample(made, turn):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    graph = made[turn % len(made)][0]
    torch.cuda.synchronize()
    begin.record()
    graph.replay()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e6


def line(what, m, n, k, **more):
    print(json.dumps({"schema": "tare-witness-1", "witness": what, "torch": torch.__version__, "m": m, "n": n, "k": k,
                      "device_name": torch.cuda.get_device_name(0), **more}), flush=True)


def shape(m, n, k):
    ready, times = {}, {}
    for what, (make, size) in WITNESSES.items():
        try:
            ready[what] = graphs(make, size, m, n, k)
            times[what] = []
        except Exception as e:  # whatever a shape is refused with is the answer
            torch.cuda.synchronize()
            line(what, m, n, k, median_ns=None, refusal=str(e).splitlines()[0][:200])
    for turn in range(SAMPLES + 3):
        for what, made in ready.items():
            t = sample(made, turn)
            if turn >= 3:
                times[what].append(t)
    for what, t in times.items():
        line(what, m, n, k, median_ns=statistics.median(t), min_ns=min(t), n_samples=len(t), cache="cold",
             refusal=None)


if __name__ == "__main__":
    for m in BATCHES:
        for n, k in shapes(sys.argv[1:]):
            shape(m, n, k)
            torch.cuda.empty_cache()
