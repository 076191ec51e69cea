#!/bin/sh
# A row that breaks its device, on the emulator: what was measured before is kept, the row is named, and the others can
# be had without it.    cuda_lost.sh TOOL CHECKROWS       (TARE_BACKEND_DIR, TARE_CUDA_LIBRARIES: the emulator)
# A lost device takes nothing back: what lies on it is no leak of ours.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
set -u
tare=$1 checkrows=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TARE_EMU_PROBES=none TARE_OPENBLAS=off TARE_ONEDNN=off TARE_CACHE_DIR="$work"
failed=0
fail() {
    echo "FAILED: $*"
    sed 's/^/    /' "$work/err"
    failed=1
}
# bench WANTED ARGUMENTS...: the exit code; records in $work/r
bench() {
    wanted=$1
    shift
    rm -f "$work/r"
    "$tare" bench -d cuda:0 -n 32 -k 64 --time 0.005 --samples 6 -o jsonl --out "$work/r" "$@" 2>"$work/err"
    code=$?
    [ $code = "$wanted" ] || fail "bench $*: exit $code, not $wanted"
}
says() { grep -q -- "$1" "$work/err" || fail "stderr lacks '$1'"; }
# records COUNT PATTERN: how many lines of the records hold it
records() {
    count=$(grep -c -- "$2" "$work/r")
    [ "$count" = "$1" ] || fail "$count records, not $1, hold '$2'"
}

# In the second of three groups: the first is whole, of the second there is the refusal, the third is named.
export TARE_EMU_BREAKS=matmul_w4_cu:2
bench 6 -m 1,2,3 --weights resident --scheme w4a16-f16-g128
says 'tare bench: cuda:0 was lost while matmul_w4_cu ran (w4a.*) at 32x64 m 2: .*IllegalAddress'
says 'TARE_ROWS_WITHOUT=matmul_w4_cu leaves that kernel out'
says '^cuda:0 32x64 m 2: not measured, the device was lost$'
says '^cuda:0 32x64 m 3: not measured, the device was lost$'
whole=$(grep -c '"m":1,.*"median_ns":[0-9]' "$work/r")
[ "$whole" -ge 10 ] || fail "$whole records of the first group"
records 0 '"m":2,.*"median_ns":[0-9]'
records 1 '"m":2,.*"kernel":"matmul_w4_cu".*"refusal":"cuda:0 was lost while matmul_w4_cu ran'
records 0 '"m":3,'

# The CPU beside it goes on.
bench 6 -d cpu,cuda:0 -m 2 --weights resident --scheme w8a8
records 0 '"device":"cuda:0".*"median_ns":[0-9]'
grep -q '"device":"cpu".*"median_ns":[0-9]' "$work/r" || fail "no record of the CPU"

# In the second of two states. Resident weights are recorded as graphs: the row is queued once to be verified and at most ten
# times with its transfers. Streamed it is queued for each sample, a dozen times at least. The first state is whole.
TARE_EMU_BREAKS=matmul_w4a8_cu:1:14 bench 6 -m 1 --weights both --time 0.3 --samples 60 --scheme w4a8-g128
says 'cuda:0 was lost while matmul_w4a8_cu ran'
whole=$(grep -c '"weights":"resident".*"median_ns":[0-9]' "$work/r")
[ "$whole" -ge 10 ] || fail "$whole records of the first state"
records 0 '"weights":"streamed".*"median_ns":[0-9]'
records 1 '"weights":"streamed".*"refusal":"cuda:0 was lost while matmul_w4a8_cu ran'

# Without the row all is well, and records say how that came.
TARE_ROWS_WITHOUT=matmul_w4_cu bench 0 -m 2 --weights resident --scheme w4a16-f16-g128
records 0 '"kernel":"matmul_w4_cu"'
grep -q '"scheme":"w4a16-f16-g128".*"median_ns":[0-9].*"rows_without":"matmul_w4_cu"' "$work/r" ||
    fail "no record without the row"
TARE_ROWS_WITHOUT=matmul_w4_cu bench 0 -m 2 --weights resident --kernel all --scheme w4a16-f16-g128
records 1 '"scheme":"w4a16-f16-g128".*"kernel":"matmul_w4_cu".*"refusal":"left out by TARE_ROWS_WITHOUT"'
TARE_ROWS_WITHOUT=matmul_w4_cux bench 2 -m 2 --scheme w8a8
says "no device here has a kernel 'matmul_w4_cux'"

# checkrows names the one; the others are neither right nor wrong.
unset TARE_EMU_BREAKS
TARE_EMU_BREAKS=matmul_nm24_cu "$checkrows" small cuda matmul_nm24 >"$work/err" 2>&1
[ $? = 3 ] || fail "checkrows: exit $?"
says '^cuda:0 *matmul_nm24_cu *LOST THE DEVICE$'
says '^cuda:0 *matmul_nm24i8_cu *not tried: the device was lost in matmul_nm24_cu$'
says '1 lost the device, 5 not tried'
if grep -qi ': wrong$' "$work/err"; then fail "a row is called wrong"; fi
TARE_EMU_BREAKS=matmul_nm24_cu "$checkrows" small cuda matmul_nm24f16_cusparselt >"$work/err" 2>&1 ||
    fail "the row itself is right"
TARE_EMU_WRONG=matmul_nm24_cu "$checkrows" small cuda matmul_nm24_cu >"$work/err" 2>&1
[ $? = 1 ] || fail "checkrows of a wrong row: exit $?"
says '^cuda:0 *matmul_nm24_cu *7 runs: WRONG$'
"$checkrows" names cuda matmul_nm24_cu >"$work/err" 2>&1
[ "$(cat "$work/err")" = matmul_nm24_cu ] || fail "checkrows names: not one"
exit $failed
