"""Python's multiprocessing over ctypes: workers forked after the library has encoded and multiplied
with several threads must work, and give the same bits.   python_fork.py LIBTARE"""
import array
import ctypes as c
import multiprocessing
import random
import sys

OK, F32, X_I8, N, K, M = 0, 1, 1, 512, 512, 8
PARTS = 5


class Format(c.Structure):
    _fields_ = [(name, c.c_int32) for name in
                ("value", "layout", "scaling", "zero_points", "group", "nm_n", "nm_m", "block_r", "block_c")]


class Part(c.Structure):
    _fields_ = [("data", c.c_void_p), ("bytes", c.c_size_t)]


class Tensor(c.Structure):
    _fields_ = [("format", Format), ("n", c.c_int64), ("k", c.c_int64), ("nnz", c.c_int64), ("part", Part * PARTS)]


class Problem(c.Structure):
    _fields_ = [("op", c.c_int), ("m", c.c_int64), ("n", c.c_int64), ("k", c.c_int64), ("nnz", c.c_int64),
                ("w", Format), ("x", c.c_int), ("y", c.c_int), ("flags", c.c_uint32)]


lib = c.CDLL(sys.argv[1])
lib.tare_problem_matmul.restype = Problem
lib.tare_problem_matmul.argtypes = [c.POINTER(Tensor), c.c_int64, c.c_int, c.c_int, c.c_uint32]
lib.tare_last_error.restype = c.c_char_p
lib.tare_device_get.restype = c.c_void_p
lib.tare_device_get.argtypes = [c.c_int]
lib.tare_encode.argtypes = [c.POINTER(Format), c.c_int64, c.c_int64, c.c_void_p, c.POINTER(Tensor)]
lib.tare_plan_make.argtypes = [c.c_void_p, c.POINTER(Problem), c.c_void_p, c.c_void_p]
lib.tare_pack.argtypes = [c.c_void_p, c.POINTER(Tensor), c.POINTER(c.c_void_p)]
lib.tare_stream_create.argtypes = [c.c_void_p, c.POINTER(c.c_void_p)]
lib.tare_stream_reserve.argtypes = [c.c_void_p, c.c_void_p]
lib.tare_buffer_wrap.argtypes = [c.c_void_p, c.c_void_p, c.c_size_t, c.POINTER(c.c_void_p)]
lib.tare_run.argtypes = [c.c_void_p] * 6 + [c.c_int64]


def must(status):
    if status != OK:
        raise RuntimeError(lib.tare_last_error().decode())


def address(values):
    return values.buffer_info()[0]


def multiply(seed):
    """One product from the start: encode, plan, pack, run. The bytes of y."""
    draw = random.Random(seed)
    w = array.array("f", (draw.uniform(-1, 1) for _ in range(N * K)))
    x = array.array("f", (draw.uniform(-1, 1) for _ in range(M * K)))
    y = array.array("f", bytes(4 * M * N))
    device, form, tensor, plan = lib.tare_device_get(0), Format(), Tensor(), c.create_string_buffer(4096)
    must(lib.tare_format_parse(b"i8-row", c.byref(form)))
    must(lib.tare_encode(c.byref(form), N, K, address(w), c.byref(tensor)))
    problem = lib.tare_problem_matmul(c.byref(tensor), M, F32, F32, X_I8)
    must(lib.tare_plan_make(device, c.byref(problem), None, plan))
    packed, stream, xb, yb = c.c_void_p(), c.c_void_p(), c.c_void_p(), c.c_void_p()
    must(lib.tare_pack(plan, c.byref(tensor), c.byref(packed)))
    must(lib.tare_stream_create(device, c.byref(stream)))
    must(lib.tare_stream_reserve(stream, plan))
    must(lib.tare_buffer_wrap(device, address(x), 4 * M * K, c.byref(xb)))
    must(lib.tare_buffer_wrap(device, address(y), 4 * M * N, c.byref(yb)))
    must(lib.tare_run(plan, packed, stream, xb, None, yb, 0))
    return y.tobytes()


if __name__ == "__main__":
    lib.tare_set_threads(3)
    want = {seed: multiply(seed) for seed in (1, 2)}
    with multiprocessing.get_context("fork").Pool(2) as pool:
        got = pool.map_async(multiply, [1, 2, 1, 2]).get(timeout=120)
    if got != [want[1], want[2], want[1], want[2]]:
        sys.exit("a forked worker gave another answer")
    print("4 products in 2 forked workers: the same bits")
