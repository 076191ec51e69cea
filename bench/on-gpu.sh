#!/bin/sh
# All that is to be done on a machine with a GPU, in two calls of a few minutes, without a network, from the top of the
# checkout (docs/first-gpu-run.md):
#
#   bench/on-gpu.sh build              builds build-gpu/ and checks it; no GPU needed
#   bench/on-gpu.sh a OUT              280 s: is every row right (a process a row), then 8192 x 8192, break-even, PyTorch
#   bench/on-gpu.sh b OUT [BAD_ROWS]   430 s: every row in full and compute-sanitizer, then 28672 x 8192, blocks, PyTorch
#
# What lies in build-gpu/ is used where it runs, else built. Libraries and headers that are missing come from
# ./gpu-packages (bench/gpu-packages.sh) and from Python's packages of NVIDIA's. Rows that are wrong, that break their
# context or that hang are left out of what is measured, and those of `a` of all of `b`: BAD_ROWS is a's file of them,
# OUT/a/bad-rows.txt by default. Each step has a time of its own and a process of its own, whose records are on disk as
# they are made: what hangs, dies or is cut off takes nothing else along, and is named. In OUT/a and OUT/b:
#
#   summary.txt      what this printed: read it first         table.txt        every time, a line each
#   bad-rows.txt     rows that were left out, and why         FAMILY.jsonl     records (docs/records.md)
#   breakeven.jsonl  witness.jsonl (PyTorch)  devices.txt     kernels.txt      what nvcc made
#   logs.tar.gz      the log of every row and step (bench/results/keep.sh keeps the rest)
#
# Exit: 0; 1 where a row is bad, or nothing could be measured; 2 bad input.
#
#   TARE_ON_GPU_SECONDS  for all of a call       TARE_ON_GPU_SHAPE, _BIG  "-n N -k K" of a, of b
#   TARE_ON_GPU_MS       1,16,64,4096            TARE_ON_GPU_ROWS         names: only these are checked
#   TARE_ON_GPU_ROW_S    for a row's check       TARE_ON_GPU_FAMILY_S     for a family's records
#   TARE_ON_GPU_TOOLS    a build folder          TARE_ON_GPU_FAMILIES     of: dense sparse24 bitmap blocks breakeven
#   TARE_ON_GPU_SANITIZE  part of the names of the rows that the sanitizer gets
# TARE_BACKEND_DIR and TARE_CUDA_LIBRARIES are respected, so that tests can run this on the emulator.
set -u
call=${1:-}
case $call in
a | b) [ $# -ge 2 ] || call= ;;
build) ;;
*) call= ;;
esac
[ -n "$call" ] || {
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
here=$PWD
root=$(cd "$(dirname "$0")/.." && pwd)
begin=$(date +%s)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
usual() { if [ "$call" = a ]; then echo "$1"; else echo "$2"; fi; }
limit=${TARE_ON_GPU_SECONDS:-$(usual 280 430)}
least() { if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }
left() { echo $((limit - $(date +%s) + begin)); }
reserve=6 # for the tables in the end
step='' checks=''
# limited SECONDS COMMAND...: stopped then, or when no more is left; 124 or 137 where it was. Not in the foreground, or
# a signal would be heard only when it is over.
limited() {
    seconds=$(least "$1" $(($(left) - reserve)))
    shift
    [ "$seconds" -ge 1 ] || return 124
    timeout -k 3 "$seconds" "$@" &
    step=$!
    wait $step
    set -- $?
    step=
    return "$1"
}

# ---- what is here ----

if ! command -v nvcc >/dev/null 2>&1; then PATH=$PATH:/usr/local/cuda/bin; fi
cd "$root" || exit 2
prefix=$root/build-gpu/packages
lib=$prefix/usr/lib/x86_64-linux-gnu
for deb in gpu-packages/*.deb; do
    [ -f "$deb" ] || continue
    mkdir -p "$prefix"
    dpkg-deb -x "$deb" "$prefix" || exit 2
    # The development links of Debian point to absolute paths or to files of another package: all are in the prefix.
    export CPATH="$prefix/usr/include" LIBRARY_PATH="$lib:$prefix/lib/x86_64-linux-gnu" CMAKE_PREFIX_PATH="$prefix/usr"
done
[ ! -d "$prefix" ] ||
    export LD_LIBRARY_PATH="$lib:$prefix/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# Folders of that name in Python's packages of NVIDIA's libraries.
of_python() {
    paths='import sys; print(*filter(None, sys.path), sep="\n")'
    timeout -k 3 20 python3 -c "$paths" 2>/dev/null | while read -r path; do
        for folder in "$path"/nvidia/*/"$1"; do [ ! -d "$folder" ] || echo "$folder"; done
    done
}

# ---- build ----

tools=${TARE_ON_GPU_TOOLS:-$root/build-gpu}
# One architecture, where all GPUs at hand are of one that kernels are made for: a third of the compiler's work.
architectures() {
    case $(timeout -k 3 20 nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | sort -u) in
    9.0) echo 90a-real ;;
    8.0) echo 80-real ;;
    esac
}
# A folder that came from elsewhere remembers other paths.
build() {
    grep -qsx "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$tools/CMakeCache.txt" || rm -rf "$tools/CMakeCache.txt" "$tools/CMakeFiles"
    headers=$(of_python include | while read -r folder; do
        for name in cublasLt cusparse; do [ ! -f "$folder/$name.h" ] || echo "$folder"; done
    done | uniq | paste -sd ';' -)
    cmake -S . -B "$tools" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTARE_CUDA=ON \
        -DCMAKE_CUDA_ARCHITECTURES="$(architectures)" -DTARE_CUDA_HEADERS="$headers" &&
        cmake --build "$tools" -j "$(nproc)" --target tare_cli tare_cuda checkrows
}
# No spills, and cache policies that are set before they are used.
checked() {
    cuda/spills.sh "$tools/cuda" "$tools/kernels.txt" || return
    [ -x cuda/policies.sh ] || return 0
    cuda/policies.sh "$tools/cuda"
    code=$?
    [ $code != 77 ] || echo "cuobjdump is missing: cache policies are not checked"
    [ $code = 0 ] || [ $code = 77 ]
}
if [ "$call" = build ]; then
    build && checked && "$tools/tare" --version
    exit
fi

# ---- a call ----

cd "$here" || exit 2
mkdir -p "$2/$call" || exit 2
bad_list=${3:-$2/a/bad-rows.txt}
[ $# -lt 3 ] || [ -f "$bad_list" ] || { echo "$bad_list: no such file" >&2; exit 2; }
bad_before=
[ "$call" = a ] || [ ! -f "$bad_list" ] || bad_before=$(sed 's/[:# ].*//' "$bad_list" | sort -u)
out=$(cd "$2/$call" && pwd)
cd "$root" || exit 2
rm -f "$out"/*.txt "$out"/*.jsonl "$out/logs.tar.gz"
: >"$out/summary.txt"
: >"$out/bad-rows.txt"
logs=$work/logs
mkdir -p "$logs"
say() { printf '%4d s  %s\n' $(($(date +%s) - begin)) "$*" | tee -a "$out/summary.txt"; }
cut_off() { echo "$*" >>"$work/cut-off.txt"; }
: >"$work/cut-off.txt"
# Whatever ends it: the logs in one file; a signal: what came out as well.
# shellcheck disable=SC2317,SC2329 # they are the traps'
finish() {
    (cd "$logs" && tar czf "$out/logs.tar.gz" .)
    rm -rf "$work"
}
# shellcheck disable=SC2317,SC2329
ended() {
    trap '' HUP INT TERM
    for job in $step $checks; do kill "$job" 2>/dev/null; done
    cut_off "what would have come now: ended by a signal"
    conclude
    exit 1
}
trap finish EXIT
trap ended HUP INT TERM

# ---- what came out: the best kernel of each scheme; ratio: against the best dense float row of its run ----

# A baseline that several families have stands once, first as the dense ones have it.
table() {
    awk 'function get(key, v) {
             if (!match($0, "\"" key "\": *(\"[^\"]*\"|[^,}]*)")) return ""
             v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
             gsub(/^ *"?|"$/, "", v)
             return v == "null" ? "" : v
         }
         /"median_ns": *[0-9]/ {
             what = get("witness") != "" ? get("witness") : get("scheme") " " get("kernel")
             if (seen[get("n"), get("k"), get("m"), what]++) next
             printf "%-12s m %5d  %-46s %9.1f us %6s x %4s %%  %s %s\n", get("n") "x" get("k"), get("m"), what,
                 get("median_ns") / 1000, get("ratio") == "" ? "-" : sprintf("%.2f", get("ratio")),
                 get("pct_peak") == "" ? "-" : sprintf("%.0f", get("pct_peak")), get("verdict"),
                 get("role") == "baseline" ? "(baseline)" : ""
         }' "$@" 2>/dev/null | sort -k1,1 -k3,3n -s
}
records() { cat "$out"/*.jsonl 2>/dev/null | grep -c '"schema":"tare-bench'; }
conclude() {
    set --
    for file in "$out"/dense*.jsonl "$out"/[!d]*.jsonl; do [ ! -f "$file" ] || set -- "$@" "$file"; done
    [ $# = 0 ] || table "$@" >"$out/table.txt"
    echo "weights      rows     scheme, kernel                                    median  vs dense  of peak" >>"$out/summary.txt"
    grep -sv '(baseline)' "$out/table.txt" | head -90 | tee -a "$out/summary.txt"
    if [ -s "$work/cut-off.txt" ]; then
        say "cut off, or not there:"
        sed 's/^/        /' "$work/cut-off.txt" | tee -a "$out/summary.txt"
    fi
    say "done: $(records) records$([ ! -s "$out/bad-rows.txt" ] || echo ", BAD ROWS above")"
}

say "call $call, commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $limit s"
if command -v nvidia-smi >/dev/null 2>&1; then
    timeout -k 3 20 nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,power.limit,temperature.gpu \
        --format=csv,noheader 2>&1 | tee -a "$out/summary.txt"
fi
if "$tools/tare" --version >"$logs/version.log" 2>&1 && [ -x "$tools/tests/checkrows" ]; then
    say "uses $(basename "$tools") as it is: $(cat "$logs/version.log")"
elif ! command -v cmake >/dev/null 2>&1; then
    say "no build that runs here in $(basename "$tools") ($(tail -1 "$logs/version.log")), and no cmake"
    exit 1
elif limited 240 sh "$root/bench/on-gpu.sh" build >"$logs/build.log" 2>&1; then
    say "built here"
else
    say "the build failed:"
    tail -20 "$logs/build.log" | tee -a "$out/summary.txt"
    exit 1
fi

[ ! -f "$tools/kernels.txt" ] || cp "$tools/kernels.txt" "$out/"

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
tool="$with_libraries $tools/tare" check="$with_libraries $tools/tests/checkrows" # several words each
export TARE_OPENBLAS=off TARE_ONEDNN=off                        # of the CPU
export TARE_BACKEND_DIR="${TARE_BACKEND_DIR:-$tools/backends}" # tests put the emulator there
export TARE_CACHE_DIR="$work/cache"
unset TARE_ROWS_WITHOUT

# shellcheck disable=SC2086
rows=$(limited 30 $check names cuda:0 2>"$logs/names.log")
if [ -z "$rows" ]; then
    say "no cuda device:"
    # shellcheck disable=SC2086
    limited 30 $tool devices 2>&1 | grep -i cuda | head -5 | tee -a "$out/summary.txt"
    exit 1
fi
# shellcheck disable=SC2086
limited 30 $tool devices -d cuda:0 >"$out/devices.txt" 2>&1 || say "tare devices: exit $?"
sed -n '/^cuda/,/^$/p' "$out/devices.txt" | head -16 | tee -a "$out/summary.txt"

# ---- right first: a process a row, so that who breaks its context breaks only its own ----

mkdir -p "$logs/rows"
[ -z "${TARE_ON_GPU_ROWS:-}" ] || rows=$TARE_ON_GPU_ROWS
echo "$rows" | tr ' ' '\n' >"$work/all-rows"
for row in $bad_before; do
    echo "$row: bad in a, not tried" >>"$out/bad-rows.txt"
    grep -vx -- "$row" "$work/all-rows" >"$work/rest" # of the last row: exit 1, and the file is empty
    mv "$work/rest" "$work/all-rows"
done
sed 's/:.*//' "$out/bad-rows.txt" >"$work/without"
without() { sort -u "$work/without" | paste -sd , -; }
kind=$(usual small all)
row_s=${TARE_ON_GPU_ROW_S:-$(usual 40 90)}
check_s=$(least "$(usual 75 150)" $(($(left) / 3)))
# Optional in b, beside them: none of this is timed.
sanitize() {
    # shellcheck disable=SC2086
    TARE_ROWS_WITHOUT=$(without) TARE_CUDA_CHOICE=heuristic limited "$check_s" compute-sanitizer --tool memcheck \
        --target-processes all --error-exitcode 9 $check small cuda:0 "${TARE_ON_GPU_SANITIZE:-}" >"$logs/memcheck.log" 2>&1
    echo $? >"$work/memcheck"
}
if [ "$call" = b ] && command -v compute-sanitizer >/dev/null 2>&1; then sanitize & fi
cat >"$work/one" <<'END'
timeout --foreground -k 3 "$row_s" $check "$kind" cuda:0 "$1" >"$logs/rows/$1.log" 2>&1
echo $? >"$logs/rows/$1.rc"
END
export row_s check kind logs
TARE_CUDA_CHOICE=heuristic timeout -k 3 "$check_s" xargs -P 4 -n 1 sh "$work/one" <"$work/all-rows" >/dev/null 2>&1 &
checks=$!
# Not `wait`: who hangs in the driver does not even die.
deadline=$(($(date +%s) + check_s + 5)) wanted=$(wc -l <"$work/all-rows")
until [ "$(find "$logs/rows" -name '*.rc' -size +0 | wc -l)" -ge "$wanted" ] || [ "$(date +%s)" -ge $deadline ]; do
    sleep 0.2
done

right=0 skipped=0 open=0
bad() {
    echo "$1: $2" >>"$out/bad-rows.txt"
    echo "$1" >>"$work/without"
}
reason() { grep -v '^checkrows:\|^opencl\|LOST THE DEVICE' "$logs/rows/$1.log" | head -1 | tr -s ' ' | cut -c1-150; }
while read -r row; do
    log=$logs/rows/$row.log
    code=$(cat "$logs/rows/$row.rc" 2>/dev/null || echo none)
    case $code in
    0) right=$((right + 1)) ;;
    1)
        if grep -q 'skipped:' "$log"; then skipped=$((skipped + 1)); elif grep -q ': wrong$\|must be' "$log"; then
            bad "$row" "WRONG: $(reason "$row")"
        else
            bad "$row" "FAILS: $(reason "$row")"
        fi
        ;;
    3) bad "$row" "LOST THE DEVICE: $(reason "$row")" ;;
    none) open=$((open + 1)) && cut_off "check of $row: no time left" ;;
    124 | 137)
        # In full some take their time; a few shapes are through in seconds.
        if [ "$kind" = small ]; then bad "$row" "HANGS: stopped after $row_s s"; else
            open=$((open + 1)) && cut_off "check of $row: stopped after $row_s s"; fi
        ;;
    *) bad "$row" "DIED: exit $code, $(reason "$row")" ;;
    esac
done <"$work/all-rows"
say "rows, $kind: $right of $wanted right, $skipped skipped, $open open; bad: $(wc -l <"$out/bad-rows.txt")"
sed 's/^/        /' "$out/bad-rows.txt" | tee -a "$out/summary.txt"
if [ "$call" = b ] && ! command -v compute-sanitizer >/dev/null 2>&1; then
    cut_off "compute-sanitizer: not installed"
elif [ "$call" = b ]; then
    until [ -s "$work/memcheck" ] || [ "$(date +%s)" -ge $deadline ]; do sleep 0.2; done
    case $(cat "$work/memcheck" 2>/dev/null || echo 124) in
    0) say "compute-sanitizer memcheck: nothing found" ;;
    124 | 137) cut_off "compute-sanitizer: stopped after $check_s s, nothing found in $(grep -c ': right$' "$logs/memcheck.log") rows" ;;
    *)
        say "compute-sanitizer memcheck: FOUND SOMETHING"
        grep -m 6 '========= [A-Z].*\(rror\|nvalid\)\|NOT right' "$logs/memcheck.log" | tee -a "$out/summary.txt"
        echo memcheck >>"$work/unsafe"
        ;;
    esac
fi

# ---- then fast: a process a family of schemes ----

is_family() { case " ${TARE_ON_GPU_FAMILIES:-dense sparse24 bitmap blocks breakeven} " in *" $1 "*) ;; *) return 1 ;; esac; }
# The m of a list that no record of a file has.
missing() {
    for m in $(echo "$2" | tr , ' '); do grep -qs "\"m\":$m,.*\"median_ns\":[0-9]" "$1" || echo "$m"; done | paste -sd , -
}
# bench NAME SECONDS SHAPE MS SCHEMES: a device that is lost is tried again without the row, twice.
bench() {
    is_family "$1" || return
    name=$1 for_s=${TARE_ON_GPU_FAMILY_S:-$2} shape=$3 ms=$4 schemes=$5 code=0
    for try in 1 2 3; do
        file=$out/$name$([ $try = 1 ] || echo -$try).jsonl log=$logs/$name-$try.log
        if [ "$(left)" -lt $((reserve + 10)) ]; then break; fi
        # shellcheck disable=SC2086
        TARE_ROWS_WITHOUT=$(without) limited $((for_s + 25)) $tool bench $shape -m "$ms" -d cuda:0 --scheme "$schemes" \
            --time 0.05 --samples 15 --weights resident --limit "$for_s" -o jsonl --out "$file" 2>"$log"
        code=$?
        ms=$(missing "$file" "$ms")
        [ $code != 6 ] && break
        row=$(sed -n 's/.*TARE_ROWS_WITHOUT=\([a-z0-9_]*\) leaves.*/\1/p' "$log")
        say "$name: $(tail -1 "$log" | cut -c1-160)"
        if [ -z "$row" ]; then break; fi
        bad "$row" "LOST THE DEVICE in $name, m $ms"
        if [ -z "$ms" ]; then break; fi
    done
    [ "$code" = 0 ] || [ "$code" = 6 ] || say "$name: exit $code: $(tail -1 "$log" | cut -c1-140)"
    cat "$out/$name"*.jsonl 2>/dev/null | sed -n '/"verdict":"WRONG"/s/.*"kernel":"\([a-z0-9_]*\)".*/\1/p' | sort -u >"$work/wrong"
    while read -r row; do bad "$row" "WRONG in $name"; done <"$work/wrong"
    [ -z "$ms" ] || cut_off "$name $shape: no record of m $ms"
    say "$name: $(records) records so far"
}
shape=$(usual "${TARE_ON_GPU_SHAPE:--n 8192 -k 8192}" "${TARE_ON_GPU_BIG:--n 28672 -k 8192}")
batches=${TARE_ON_GPU_MS:-$(usual 1,16,64,4096 1,16,64,512,4096)}
bench dense "$(usual 60 100)" "$shape" "$batches" f16,bf16,w8a16-f16,w4a16-f16-g128,w8a8,fp8
bench sparse24 "$(usual 40 60)" "$shape" "$batches" f16,2:4-f16,2:4-i8
bench bitmap "$(usual 40 60)" "$shape" "$batches" f16,bitmap-f16@0.5,bitmap-f16@0.7,bitmap-f16@0.9
if [ "$call" = b ]; then
    bench blocks 40 "${TARE_ON_GPU_SHAPE:--n 8192 -k 8192}" "${TARE_ON_GPU_MS:-512,4096}" f16,bsr64x64-f16@0.5,bsr64x64-f16@0.8
elif is_family breakeven; then
    for_s=$(least "${TARE_ON_GPU_FAMILY_S:-45}" $(($(left) - reserve - 10)))
    if [ "$for_s" -lt 1 ]; then
        cut_off "breakeven: no time left"
    else
        # shellcheck disable=SC2086
        TARE_ROWS_WITHOUT=$(without) limited $((for_s + 10)) $tool breakeven $shape -m "$(echo "$batches" | cut -d, -f1,2)" \
            -d cuda:0 --scheme bitmap-f16 --limit "$for_s" -o jsonl --out "$out/breakeven.jsonl" >"$logs/breakeven.log" 2>&1
        code=$?
        [ $code = 0 ] || cut_off "breakeven: exit $code: $(tail -1 "$logs/breakeven.log" | cut -c1-140)"
        grep 'not begun' "$logs/breakeven.log" >>"$work/cut-off.txt"
        : >>"$out/breakeven.jsonl"
        say "breakeven: $(wc -l <"$out/breakeven.jsonl") results, $(grep -c '"result":"cut"' "$out/breakeven.jsonl") of them cut"
    fi
fi
echo "q-o $(echo "$shape" | tr -dc '0-9 ')" >"$work/suite"
for_s=$(($(left) - reserve - 8))
if [ "$for_s" -lt 10 ]; then
    cut_off "PyTorch: no time left"
elif ! limited 40 python3 -c 'import torch; torch.cuda.get_device_properties(0)' 2>"$logs/witness.log"; then
    cut_off "PyTorch: $(tail -1 "$logs/witness.log" | cut -c1-120)"
else
    for_s=$(($(left) - reserve - 8))
    limited $((for_s + 5)) python3 bench/witness.py --seconds "$for_s" "$work/suite" >"$out/witness.jsonl" 2>"$logs/witness.log" ||
        say "PyTorch: stopped (exit $?)"
    grep 'not measured' "$logs/witness.log" >>"$work/cut-off.txt"
    say "PyTorch: $(wc -l <"$out/witness.jsonl") lines"
fi

conclude
[ ! -s "$out/bad-rows.txt" ] && [ ! -s "$work/unsafe" ] && [ "$(records)" -gt 0 ]
