#!/bin/sh
# Everything that is to be done on a machine with a GPU, in one go of less than nine minutes:
#
#   bench/on-gpu.sh OUT [PACKAGES]       from the top of the checkout
#
# builds (libraries that are missing come from PACKAGES, made by bench/gpu-packages.sh; default ./gpu-packages),
# checks every row of every cuda and opencl device, runs the rows under compute-sanitizer, measures the ceilings,
# breaks the LLaMA suites down by shape, and times PyTorch beside it. What does not fit the time is named, not
# dropped in silence. In OUT:
#
#   summary.txt    what this printed       build.log check-*.log sanitizer-*.log devices.txt kernels.txt table.txt
#   bench.jsonl    records, for tare compare               witness.jsonl   PyTorch's times       logs.tar.gz   of every step
set -u
out=${1:?a folder for the results} packages=${2:-gpu-packages}
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 2
mkdir -p "$out"
out=$(cd "$out" && pwd)
begin=$(date +%s) limit=${TARE_ON_GPU_SECONDS:-530}
left() { echo $((limit - $(date +%s) + begin)); }
say() { printf '%4d s  %s\n' $(($(date +%s) - begin)) "$*" | tee -a "$out/summary.txt"; }
: >"$out/summary.txt"

# ---- what is here ----

prefix=$root/build-gpu/packages
if ls "$packages"/*.deb >/dev/null 2>&1; then
    mkdir -p "$prefix"
    for deb in "$packages"/*.deb; do dpkg-deb -x "$deb" "$prefix" || exit 2; done
    # The development links of Debian point to absolute paths or to files of another package: all are in the prefix.
    lib=$prefix/usr/lib/x86_64-linux-gnu
    export CPATH="$prefix/usr/include" LIBRARY_PATH="$lib:$prefix/lib/x86_64-linux-gnu" CMAKE_PREFIX_PATH="$prefix/usr"
    export LD_LIBRARY_PATH="$lib:$prefix/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
command -v nvidia-smi >/dev/null 2>&1 &&
    nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,power.limit,temperature.gpu --format=csv,noheader |
    tee -a "$out/summary.txt"

# ---- build ----

jobs=$(nproc)
{
    cmake -S . -B build-gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DTARE_CUDA=ON -DTARE_OPENBLAS=OFF -DTARE_ONEDNN=OFF &&
        cmake --build build-gpu -j "$jobs" --target tare_cli tare_cuda checkrows &&
        { ! cmake --build build-gpu --target help | grep -q tare_opencl: ||
            cmake --build build-gpu -j "$jobs" --target tare_opencl; }
} >"$out/build.log" 2>&1 || { say "the build failed:"; tail -20 "$out/build.log"; exit 1; }
cuda/spills.sh build-gpu/cuda "$out/kernels.txt" | tail -1 | tee -a "$out/summary.txt"
say built
tool=build-gpu/tare check=build-gpu/tests/checkrows
export TARE_BACKEND_DIR="${TARE_BACKEND_DIR:-$root/build-gpu/backends}" # tests put the emulator there
timeout 60 "$tool" devices >"$out/devices.txt" 2>&1 || say "tare devices failed"
sed -n '/^cuda/,/^$/p;/^opencl/,/^$/p;/^not used/p' "$out/devices.txt" | tee -a "$out/summary.txt"

# ---- right first ----

bad=0
for device in cuda opencl; do
    timeout 150 "$check" all $device >"$out/check-$device.log" 2>&1
    code=$?
    grep -v ': right$' "$out/check-$device.log" | tee -a "$out/summary.txt"
    [ $code = 0 ] || [ $device != cuda ] || bad=1
    say "rows of $device checked (exit $code)"
done
if command -v compute-sanitizer >/dev/null 2>&1; then
    for kind in memcheck racecheck; do
        timeout 90 compute-sanitizer --tool $kind --error-exitcode 9 "$check" small cuda \
            >"$out/sanitizer-$kind.log" 2>&1
        code=$?
        say "compute-sanitizer $kind: exit $code, $(grep -c '========= [A-Z].*error\|hazard' "$out/sanitizer-$kind.log") findings"
        [ $code = 0 ] || bad=1
    done
else
    say "compute-sanitizer is not installed: skipped"
fi

# ---- then fast: the largest weights first, since their times say most ----

: >"$out/bench.jsonl"
schemes=${TARE_ON_GPU_SCHEMES:-f16,bf16,f32,w8a16,w4a16-g128,w8a8,2:4,bitmap@0.5,csr@0.9,bsr16x16@0.9}
for batch in 1,16,64 8,32,256 1024,4096; do
    grep -hv '^#' suites/llama-70b.txt suites/llama-7b.txt | sort -k2,2nr -k3,3nr | while read -r name n k count; do
        now=$(left)
        [ "$now" -gt 60 ] || { echo "$name ${n}x$k m $batch: not measured, no time left" >>"$out/left-out.txt"; continue; }
        timeout $((now - 50)) "$tool" bench -n "$n" -k "$k" -m "$batch" -d cuda:0 --scheme "$schemes" --time 0.05 \
            --samples 15 --weights resident -o jsonl --out "$out/one.jsonl" 2>>"$out/bench.log" ||
            echo "$name ${n}x$k m $batch: bench exit $?" >>"$out/left-out.txt"
        [ ! -f "$out/one.jsonl" ] || { cat "$out/one.jsonl" >>"$out/bench.jsonl"; rm "$out/one.jsonl"; }
        say "$name ${n}x$k m $batch"
    done
done
[ ! -f "$out/left-out.txt" ] || tee -a "$out/summary.txt" <"$out/left-out.txt"

# ---- the witness ----

if [ "$(left)" -gt 20 ] && python3 -c 'import torch' 2>/dev/null; then
    timeout "$(left)" python3 bench/witness.py suites/llama-7b.txt suites/llama-70b.txt >"$out/witness.jsonl" \
        2>"$out/witness.log" || say "the witness stopped (exit $?)"
    say "PyTorch: $(wc -l <"$out/witness.jsonl") times"
else
    say "no PyTorch, or no time for it: no witness"
fi
# The best kernel of each scheme on the largest weights; ratio: against the best dense float row of that run.
table() {
    awk 'function get(key, v) {
             if (!match($0, "\"" key "\":(\"[^\"]*\"|[^,}]*)")) return ""
             v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
             gsub(/"/, "", v)
             return v
         }
         /"median_ns":[0-9]/ {
             shape = get("n") "x" get("k")
             what = get("witness") != "" ? get("witness") : get("scheme") " " get("kernel")
             printf "%-14s m %5d  %-44s %10.1f us  %6s x  %5s %% of the ceiling\n", shape, get("m"), what,
                 get("median_ns") / 1000, get("ratio") == "" ? "-" : sprintf("%.2f", get("ratio")),
                 get("pct_peak") == "" ? "-" : sprintf("%.0f", get("pct_peak"))
         }' "$@" | sort -k1,1 -k3,3n -s
}
touch "$out/witness.jsonl"
table "$out/bench.jsonl" "$out/witness.jsonl" >"$out/table.txt"
grep '^\(28672x8192\|8192x8192\|4096x4096\) ' "$out/table.txt" | tee -a "$out/summary.txt"
(cd "$out" && tar czf logs.tar.gz ./*.log && rm -f ./*.log)
say "done, $(wc -l <"$out/bench.jsonl") records$([ $bad = 0 ] || echo '; WRONG or UNSAFE rows above')"
exit $bad
