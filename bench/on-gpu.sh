#!/bin/sh
# Everything that is to be done on a machine with a GPU, in one go of less than nine minutes, without a network:
#
#   bench/on-gpu.sh OUT [PACKAGES]       from the top of the checkout
#
# builds for the GPU at hand (libraries that are missing come from PACKAGES, made by bench/gpu-packages.sh; default
# ./gpu-packages; headers of NVIDIA's libraries that the toolkit lacks from Python's packages of them), checks every row
# of every cuda and opencl device and runs the rows under compute-sanitizer, all at once; then times, alone: the LLaMA
# suites, largest weights and few rows of x first; PyTorch beside them; the break-even of a sparse format. What does not
# fit the time is named, not dropped in silence. Every step has a time of its own, so that none that hangs takes the
# others along, and what was measured until then is kept. In OUT, eight files at most:
#
#   summary.txt   what this printed          table.txt     the times, a line each      kernels.txt   what nvcc made
#   bench.jsonl   records, for tare compare  witness.jsonl PyTorch's times             breakeven.jsonl
#   devices.txt   tare devices               logs.tar.gz   the log of every step
#
# Exit: 0; 1 where a row is wrong, or the build failed; 2 bad input.
#
#   TARE_ON_GPU_SECONDS  for all of it (530)           TARE_ON_GPU_SCHEMES, _BATCHES   other ones
#   TARE_ON_GPU_SUITE    a file of shapes              TARE_ON_GPU_TOOLS               a build folder: nothing is built
#   TARE_ON_GPU_CHECK    all (default) or small: what checkrows does
# TARE_BACKEND_DIR and TARE_CUDA_LIBRARIES are respected, so that the tests can run this on the emulator.
set -u
out=${1:?a folder for the results} packages=${2:-gpu-packages}
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 2
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
begin=$(date +%s) limit=${TARE_ON_GPU_SECONDS:-530}
left() { echo $((limit - $(date +%s) + begin)); }
say() { printf '%4d s  %s\n' $(($(date +%s) - begin)) "$*" | tee -a "$out/summary.txt"; }
reserve=25 # for the tables in the end
# limited SECONDS COMMAND...: stopped then, or when no more is left; 124 or 137 where it was
limited() {
    seconds=$(least "$1" $(($(left) - reserve)))
    shift
    [ "$seconds" -ge 1 ] || return 124
    timeout -k 3 "$seconds" "$@"
}
least() { if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }
rm -f "$out"/*.log "$out"/*.txt "$out"/*.jsonl "$out/logs.tar.gz"
: >"$out/summary.txt"
: >"$out/bench.jsonl"
: >"$out/witness.jsonl"
work=$(mktemp -d)
bad=0
# Whatever happens: the logs in one file, and nothing left of the rest.
# shellcheck disable=SC2317 # it is the trap's
finish() {
    [ "$(wc -c <"$out/bench.jsonl")" -lt 15000000 ] || gzip -f "$out/bench.jsonl"
    (cd "$out" && rm -f left-out.txt && ls ./*.log >/dev/null 2>&1 && tar czf logs.tar.gz ./*.log && rm -f ./*.log)
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

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

# Folders of that name in Python's packages of NVIDIA's libraries.
of_python() {
    paths='import sys; print(*filter(None, sys.path), sep="\n")'
    timeout -k 3 20 python3 -c "$paths" 2>/dev/null | while read -r path; do
        for folder in "$path"/nvidia/*/"$1"; do [ ! -d "$folder" ] || echo "$folder"; done
    done
}
if ! command -v nvcc >/dev/null 2>&1; then PATH=$PATH:/usr/local/cuda/bin; fi

# NVIDIA's libraries, the toolkit's before those that Python packages bring, as links in one folder. Only tare looks
# there: PyTorch knows its own.
if [ -z "${TARE_CUDA_LIBRARIES:-}" ]; then
    export TARE_CUDA_LIBRARIES="$work/libraries"
    mkdir -p "$TARE_CUDA_LIBRARIES"
    {
        for folder in /usr/local/cuda/lib64 /usr/local/cuda/targets/*/lib; do echo "$folder"; done
        of_python lib
        ldconfig -p 2>/dev/null | sed -n 's,.* => \(/.*\)/libnvidia-ml\.so\.1$,\1,p'
    } | while read -r folder; do
        for file in "$folder"/libcublas*.so.* "$folder"/libcusparse*.so.* "$folder"/libnvJitLink.so.* \
            "$folder"/libnvidia-ml.so.1; do
            link=$TARE_CUDA_LIBRARIES/$(basename "$file")
            [ ! -e "$file" ] || [ -e "$link" ] || ln -s "$file" "$link"
        done
    done
fi
with_libraries="env LD_LIBRARY_PATH=$TARE_CUDA_LIBRARIES${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# A driver without its OpenCL entry is told to the loader.
if ! ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1 && ldconfig -p 2>/dev/null | grep -q 'libnvidia-opencl\.so\.1'; then
    mkdir -p "$work/vendors"
    echo libnvidia-opencl.so.1 >"$work/vendors/nvidia.icd"
    export OCL_ICD_VENDORS="$work/vendors/"
fi
if command -v nvidia-smi >/dev/null 2>&1; then
    timeout -k 3 20 nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,power.limit,temperature.gpu \
        --format=csv,noheader 2>&1 | tee -a "$out/summary.txt"
fi

# ---- build ----

# One architecture, where all GPUs are of one that kernels are made for: a third of the compiler's work.
architectures() {
    case $(timeout -k 3 20 nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | sort -u) in
    9.0) echo 90a-real ;;
    8.0) echo 80-real ;;
    esac
}
build() {
    headers=$(of_python include | while read -r folder; do
        for name in cublasLt cusparse; do [ ! -f "$folder/$name.h" ] || echo "$folder"; done
    done | uniq | paste -sd ';' -)
    cmake -S . -B "$tools" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTARE_CUDA=ON \
        -DCMAKE_CUDA_ARCHITECTURES="$(architectures)" -DTARE_CUDA_HEADERS="$headers" || return 1
    targets='tare_cli tare_cuda checkrows'
    if cmake --build "$tools" --target help | grep -q tare_opencl; then targets="$targets tare_opencl"; fi
    # shellcheck disable=SC2086
    limited 240 cmake --build "$tools" -j "$(nproc)" --target $targets
}
tools=${TARE_ON_GPU_TOOLS:-}
if [ -z "$tools" ]; then
    tools=$root/build-gpu
    if ! build >"$out/build.log" 2>&1; then
        say "the build failed:"
        tail -20 "$out/build.log" | tee -a "$out/summary.txt"
        exit 1
    fi
    cuda/spills.sh "$tools/cuda" "$out/kernels.txt" | tail -1 | tee -a "$out/summary.txt"
    say built
fi
tool="$with_libraries $tools/tare" check="$with_libraries $tools/tests/checkrows"
export TARE_OPENBLAS=off TARE_ONEDNN=off # of the CPU
export TARE_BACKEND_DIR="${TARE_BACKEND_DIR:-$tools/backends}" # tests put the emulator there
export TARE_CACHE_DIR="$work/cache"
# $tool and $check are several words, here and below.
# shellcheck disable=SC2086
limited 60 $tool devices >"$out/devices.txt" 2>&1 || say "tare devices failed"
sed -n '/^cuda/,/^$/p;/^opencl/,/^$/p;/^not used/p' "$out/devices.txt" | tee -a "$out/summary.txt"

# ---- right first: all checks side by side, since none of them is timed ----

# What is not yet done by then is stopped: a third of the time, or what is left of it.
check_s=$(least 120 $(($(left) / 3)))
check_kind=${TARE_ON_GPU_CHECK:-all}
for device in cuda opencl; do
    { # shellcheck disable=SC2086
        limited "$check_s" $check "$check_kind" $device >"$out/check-$device.log" 2>&1
        echo $? >"$work/check-$device"
    } &
done
sanitizers=
if ! command -v compute-sanitizer >/dev/null 2>&1; then PATH=$PATH:/usr/local/cuda/bin; fi
if command -v compute-sanitizer >/dev/null 2>&1; then
    sanitizers='memcheck racecheck'
    for kind in $sanitizers; do
        { # shellcheck disable=SC2086
            limited "$check_s" compute-sanitizer --tool "$kind" --error-exitcode 9 $check small cuda \
                >"$out/sanitizer-$kind.log" 2>&1
            echo $? >"$work/sanitizer-$kind"
        } &
    done
else
    say "compute-sanitizer is not installed: skipped"
fi
# Not `wait`: who hangs in the driver does not even die.
deadline=$(($(date +%s) + check_s + 10))
code_of() {
    until [ -s "$work/$1" ] || [ "$(date +%s)" -ge $deadline ]; do sleep 0.2; done
    cat "$work/$1" 2>/dev/null || echo 124
}
verdict() { # LOG CODE NAME: a check that ran out of time decides nothing
    case $2 in
    0) say "$3: right" ;;
    124 | 137) say "$3: stopped after $check_s s, right so far: $(grep -c ': right$' "$1") rows" ;;
    *) say "$3: NOT right (exit $2)"; bad=1 ;;
    esac
}
for device in cuda opencl; do
    code=$(code_of check-$device)
    if [ $device = opencl ] && grep -q '^checkrows: 0 rows' "$out/check-$device.log"; then
        say "there is no opencl device"
    else
        grep -v ': right$' "$out/check-$device.log" | tee -a "$out/summary.txt"
        verdict "$out/check-$device.log" "$code" "rows of $device"
    fi
done
for kind in $sanitizers; do
    verdict "$out/sanitizer-$kind.log" "$(code_of "sanitizer-$kind")" "compute-sanitizer $kind"
    grep -m 3 '========= [A-Z].*\(rror\|azard\)' "$out/sanitizer-$kind.log" | tee -a "$out/summary.txt"
done

# ---- then fast ----

# The largest weights first: their times say most.
suite=$work/llama.txt
# shellcheck disable=SC2086
grep -hv '^#' ${TARE_ON_GPU_SUITE:-suites/llama-70b.txt suites/llama-7b.txt} | awk 'NF >= 3 { printf "%.0f %s\n", $2 * $3, $0 }' |
    sort -k1,1nr -s | cut -d' ' -f2- | awk '!seen[$2 " " $3]++' >"$suite"
schemes=${TARE_ON_GPU_SCHEMES:-f16,bf16,tf32,f32,w8a8,w8a8-bf16,w8a16,w8a16-f16,fp8,w4a16-g128,w4a16-f16-g128,w4a8,2:4-f16,2:4-bf16,2:4-i8,2:4-fp8,bitmap-f16@0.5,bitmap-f16@0.7,bitmap-f16@0.9,bitmap-i8@0.5,csr-f16@0.9,csr@0.95,csr-f16@0.98,bsr16x16-f16@0.8,bsr64x64-f16@0.5,bsr64x64-f16@0.8,bsr64x64-f16@0.9}

# bench SECONDS ARGUMENTS...: appends what it measured in the time; what it did not get to is named.
bench() {
    for_s=$1
    shift
    if [ "$for_s" -lt 5 ] || [ "$(left)" -lt $((reserve + 5)) ]; then
        echo "tare bench $*: no time left" >>"$out/left-out.txt"
        return
    fi
    # shellcheck disable=SC2086
    limited $((for_s + 40)) $tool bench "$@" --scheme "$schemes" --time 0.05 --samples 15 --weights resident \
        --limit "$for_s" -o jsonl --out "$work/one.jsonl" 2>"$work/bench.err"
    code=$?
    grep 'not measured' "$work/bench.err" >>"$out/left-out.txt"
    cat "$work/bench.err" >>"$out/bench.log"
    [ $code = 0 ] || say "tare bench $*: exit $code: $(tail -1 "$work/bench.err")"
    [ $code != 4 ] || bad=1
    [ ! -f "$work/one.jsonl" ] || { cat "$work/one.jsonl" >>"$out/bench.jsonl"; rm "$work/one.jsonl"; }
    say "timed: $*, $(wc -l <"$out/bench.jsonl") records so far"
}
witness() {
    for_s=$1
    if ! limited 60 python3 -c 'import torch; torch.cuda.get_device_properties(0)' >/dev/null 2>"$out/witness.log"; then
        say "no witness: $(tail -1 "$out/witness.log" | cut -c1-120)"
    elif [ "$for_s" -lt 15 ]; then
        echo "PyTorch: no time left" >>"$out/left-out.txt"
    else
        limited $((for_s + 20)) python3 bench/witness.py --seconds "$for_s" "$suite" >"$out/witness.jsonl" \
            2>>"$out/witness.log" || say "the witness stopped (exit $?)"
        grep 'not measured' "$out/witness.log" >>"$out/left-out.txt"
        say "PyTorch: $(wc -l <"$out/witness.jsonl") lines"
    fi
}
: >"$out/left-out.txt"
# A batch of sizes gets a share of what is left, in percent; the tool stops before it, at the end of a shape.
# shellcheck disable=SC2086
set -- ${TARE_ON_GPU_BATCHES:-1,8,16 32,64,256 1024,4096}
bench $(($(left) * 40 / 100)) "$suite" -d cuda:0 -m "$1"
witness $(($(left) * 25 / 100))
if [ $# -ge 2 ]; then bench $(($(left) * 45 / 100)) "$suite" -d cuda:0 -m "$2"; fi
if [ $# -ge 3 ]; then bench $(($(left) * 60 / 100 - 20)) "$suite" -d cuda:0 -m "$3"; fi
first=$(sed -n 's/^[^ ]* *\([0-9]*\) *\([0-9]*\).*/-n \1 -k \2/p' "$suite" | tail -1)
if [ "$(left)" -gt $((reserve + 15)) ]; then
    # shellcheck disable=SC2086
    limited $(($(left) / 2)) $tool breakeven $first -m 8 -d cuda:0 --scheme bitmap-f16 --time 0.02 --samples 15 \
        -o jsonl --out "$out/breakeven.jsonl" >"$out/breakeven.log" 2>&1 || say "tare breakeven: exit $?"
else
    echo "tare breakeven: no time left" >>"$out/left-out.txt"
fi
if ! grep -q '^checkrows: 0 rows' "$out/check-opencl.log"; then
    # shellcheck disable=SC2086
    bench $(($(left) / 2 - 30)) $first -d opencl -m 1,16
fi
[ ! -s "$out/left-out.txt" ] || { say "left out:"; tee -a "$out/summary.txt" <"$out/left-out.txt"; }
# shellcheck disable=SC2086
[ ! -s "$out/bench.jsonl" ] ||
    timeout -k 3 10 $tool compare "$out/bench.jsonl" "$out/bench.jsonl" >"$out/compare.log" 2>&1 ||
    say "tare compare does not read the records: $(tail -1 "$out/compare.log")"

# ---- what came out: the best kernel of each scheme; ratio: against the best dense float row of its run ----

table() {
    awk 'function get(key, v) {
             if (!match($0, "\"" key "\": *(\"[^\"]*\"|[^,}]*)")) return ""
             v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
             gsub(/^ *"?|"$/, "", v)
             return v == "null" ? "" : v
         }
         /"median_ns": *[0-9]/ {
             what = get("witness") != "" ? get("witness") : get("scheme") " " get("kernel")
             printf "%-14s m %5d  %-48s %10.1f us  %6s x  %4s %%  %s\n", get("n") "x" get("k"), get("m"), what,
                 get("median_ns") / 1000, get("ratio") == "" ? "-" : sprintf("%.2f", get("ratio")),
                 get("pct_peak") == "" ? "-" : sprintf("%.0f", get("pct_peak")), get("verdict")
         }' "$@" | sort -k1,1 -k3,3n -s
}
table "$out/bench.jsonl" "$out/witness.jsonl" >"$out/table.txt"
largest=$(sed -n '1s/^[^ ]* *\([0-9]*\) *\([0-9]*\).*/\1x\2/p' "$suite")
echo "weights        rows      scheme, kernel                                           median    vs dense  of peak" |
    tee -a "$out/summary.txt"
grep "^$largest .* m  *\(1\|64\|4096\) " "$out/table.txt" | head -100 | tee -a "$out/summary.txt"
say "done$([ $bad = 0 ] || echo '; WRONG or UNSAFE rows above')"
exit $bad
