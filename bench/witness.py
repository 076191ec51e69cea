"""PyTorch as an outside witness: the same products, timed by tare's rules, on the GPU beside it.

    witness.py [--seconds S] SUITE...     suites/llama-7b.txt and so on; JSON lines on standard output

Cold weights: copies of W, together twice the second-level cache at least and as many as make a sample of 150 us, each
used once in a sample. A sample replays a CUDA graph of a product with each copy between two events, queued while the
device still sets a spare buffer, so that it never waits for the host; time is that of the replay over the products.
The median of the samples is kept, contestants of a shape take turns. Data are random normal numbers, never zeros. What
a call refuses is a line with its reason. What the time does not suffice for is named on standard error.
"""
import json
import statistics
import sys
import time

import torch

SAMPLES, CACHE = 15, 2 * torch.cuda.get_device_properties(0).L2_cache_size
BATCHES = (1, 16, 64, 4096, 8, 32, 256, 1024)
SAMPLE_NS, MOST_COPIES, BYTES_A_NS = 150e3, 32, 3000


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
    "torch._int_mm, x quantised eagerly": (int8, 1), "torch._scaled_mm e4m3, x quantised eagerly": (fp8, 1),
    "torch 2:4 f16": (structured, 1.125),
}


def record(make, bytes_each, m, n, k):
    """A graph of one product with each of several copies of W; and what must stay alive for it."""
    run, weights = make(m, n, k)
    bytes_w = n * k * bytes_each
    wanted = max(CACHE / bytes_w, SAMPLE_NS / max(bytes_w / BYTES_A_NS, 1)) + 1
    copies = [weights() for _ in range(int(min(max(wanted, 2), MOST_COPIES)))]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # libraries choose and allocate outside of a capture
        for _ in range(2):
            run(copies[0])
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        ys = [run(w) for w in copies]
    return graph, copies, ys


SPARE = torch.empty(max(CACHE, 64 << 20), dtype=torch.uint8, device="cuda")


def sample(recorded):
    graph, copies, _ = recorded
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    SPARE.fill_(1)
    begin.record()
    graph.replay()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e6 / len(copies)


def line(what, m, n, k, **more):
    print(json.dumps({"schema": "tare-witness-1", "witness": what, "torch": torch.__version__, "m": m, "n": n, "k": k,
                      "device_name": torch.cuda.get_device_name(0), **more}), flush=True)


def shape(m, n, k):
    ready, times = {}, {}
    for what, (make, size) in WITNESSES.items():
        try:
            ready[what] = record(make, size, m, n, k)
            times[what] = []
        except Exception as e:  # whatever a shape is refused with is the answer
            torch.cuda.synchronize()
            line(what, m, n, k, median_ns=None, refusal=str(e).splitlines()[0][:200])
    for turn in range(SAMPLES + 3):
        for what, recorded in ready.items():
            t = sample(recorded)
            if turn >= 3:
                times[what].append(t)
    for what, t in times.items():
        line(what, m, n, k, median_ns=statistics.median(t), min_ns=min(t), n_samples=len(t), cache="cold",
             refusal=None)


def main(words):
    seconds = float("inf")
    if words[:1] == ["--seconds"]:
        seconds, words = float(words[1]), words[2:]
    end = time.monotonic() + seconds
    for m in BATCHES:
        for n, k in shapes(words):
            if time.monotonic() > end:
                print(f"PyTorch {n}x{k} m {m}: not measured, no time left", file=sys.stderr)
                continue
            shape(m, n, k)
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main(sys.argv[1:])
