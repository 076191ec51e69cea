#!/bin/sh
# Both calls of bench/on-gpu.sh on the emulator, with rows that break their context, are wrong and hang: the records of all
# others are there.    on_gpu.sh BUILD SOURCE      (TARE_BACKEND_DIR, TARE_CUDA_LIBRARIES: the emulator)
# A lost device takes nothing back: what lies on it is no leak of ours.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
set -u
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TARE_ON_GPU_TOOLS="$build" TARE_EMU_PROBES=none TARE_ON_GPU_SHAPE='-n 64 -k 64' TARE_ON_GPU_BIG='-n 48 -k 64'
export TARE_ON_GPU_ROW_S=120 # on a busy machine as well
failed=0
fail() {
    echo "FAILED: $*"
    failed=1
}
# A sanitizer that finds nothing, and no PyTorch.
mkdir "$work/bin"
cat >"$work/bin/compute-sanitizer" <<'END'
#!/bin/sh
while [ "${1#--}" != "$1" ]; do shift 2; done
exec "$@"
END
chmod +x "$work/bin/compute-sanitizer"
PATH=$work/bin:$PATH
# call WANTED ARGUMENTS...
call() {
    wanted=$1
    shift
    "$source/bench/on-gpu.sh" "$@" >"$work/said" 2>&1
    code=$?
    [ $code = "$wanted" ] || { fail "on-gpu.sh $*: exit $code, not $wanted"; cat "$work/said"; }
}

# What is cut off is named; beside the next, which waits for a row that hangs.
TARE_ON_GPU_ROWS=matmul_f8_cublaslt TARE_ON_GPU_FAMILIES=breakeven TARE_ON_GPU_FAMILY_S=1 "$source/bench/on-gpu.sh" a \
    "$work/out/cut" >"$work/cut" 2>&1 &
cut=$!
# And a call that is ended says what came out until then.
(
    TARE_ON_GPU_ROWS=matmul_f8_cublaslt TARE_ON_GPU_FAMILIES=breakeven "$source/bench/on-gpu.sh" a "$work/out/ended" \
        >"$work/ended" 2>&1 &
    pid=$!
    until grep -qs 'rows, small' "$work/out/ended/a/summary.txt" || ! kill -0 $pid; do sleep 0.1; done
    kill -TERM $pid
    wait $pid
    echo $? >"$work/ended-code"
) &
ended=$!
says() { grep -q -- "$2" "$work/out/$1" || { fail "$1 lacks '$2'"; cut -c1-200 "$work/out/$1"; }; }
lacks() { if grep -q -- "$2" "$work/out/$1"; then fail "$1 has '$2'"; fi; }
# timed FILE M SCHEMES: each has a time
timed() {
    file=$1 m=$2
    shift 2
    for scheme in "$@"; do
        grep -q "\"m\":$m,.*\"scheme\":\"$scheme\".*\"median_ns\":[0-9]" "$work/out/$file" || fail "$file: m $m, $scheme has no time"
    done
}

# Call a: one row breaks, one is wrong, one hangs; none of the others takes a second of a processor.
export TARE_ON_GPU_ROWS='matmul_nm24_cu matmul_nm24i8_cu matmul_bs_wgmma matmul_bitmap_cu matmul_nm24f16_cusparselt'
TARE_ON_GPU_ROW_S=12 TARE_ON_GPU_FAMILIES='sparse24 bitmap' TARE_ON_GPU_MS=1 TARE_EMU_BREAKS=matmul_nm24_cu TARE_EMU_WRONG=matmul_nm24i8_cu \
    TARE_EMU_HANGS=matmul_bitmap_cu call 1 a "$work/out"
says a/bad-rows.txt '^matmul_nm24_cu: LOST THE DEVICE: .*IllegalAddress'
says a/bad-rows.txt '^matmul_nm24i8_cu: WRONG: matmul_nm24i8_cu, 2:4/i8-row, m 1: wrong$'
says a/bad-rows.txt '^matmul_bitmap_cu: HANGS: stopped after 12 s$'
says a/summary.txt 'rows, small: 2 of 5 right, 0 skipped, 0 open; bad: 3$'
timed a/sparse24.jsonl 1 f16 2:4-f16 2:4-i8
timed a/bitmap.jsonl 1 f16 bitmap-f16@0.5 bitmap-f16@0.7 bitmap-f16@0.9
lacks a/sparse24.jsonl '"kernel":"matmul_nm24_cu"'
lacks a/sparse24.jsonl '"kernel":"matmul_nm24i8_cu"'
lacks a/bitmap.jsonl '"kernel":"matmul_bitmap_cu"'
says a/summary.txt '^64x64  *m  *1  2:4-f16 matmul_nm24f16_cusparselt '
says a/summary.txt 'BAD ROWS above$'

# Another b beside the next, with the list by its name. Its row is bad in a: none is left to check.
TARE_ON_GPU_ROWS=matmul_nm24_cu TARE_ON_GPU_SANITIZE=matmul_f8_cublaslt TARE_ON_GPU_FAMILIES=blocks TARE_ON_GPU_MS=1 \
    TARE_ON_GPU_SHAPE='-n 320 -k 128' "$source/bench/on-gpu.sh" b "$work/out/other" "$work/out/a/bad-rows.txt" >"$work/other" 2>&1 &
other=$!

# Call b leaves them out unasked; a row that breaks at the second m, unseen by the checks, costs its m no record.
export TARE_ON_GPU_ROWS='matmul_nm24_cu matmul_nm24f16_cusparselt' TARE_ON_GPU_SANITIZE=matmul_f8_cublaslt
TARE_ON_GPU_FAMILIES=dense TARE_ON_GPU_MS=1,2 TARE_EMU_BREAKS=matmul_w8_cu:2 call 1 b "$work/out"
says b/bad-rows.txt '^matmul_nm24_cu: bad in a, not tried$'
says b/bad-rows.txt '^matmul_w8_cu: LOST THE DEVICE in dense, m 2$'
says b/summary.txt 'rows, all: 1 of 1 right'
says b/summary.txt 'compute-sanitizer memcheck: nothing found$'
timed b/dense.jsonl 1 f16 bf16 w8a16-f16 w4a16-f16-g128 w8a8 fp8
says b/dense.jsonl '"m":2,.*"refusal":"cuda:0 was lost while matmul_w8_cu ran'
timed b/dense-2.jsonl 2 f16 bf16 w8a16-f16 w4a16-f16-g128 w8a8 fp8
says b/dense-2.jsonl '"rows_without":"matmul_bitmap_cu,matmul_nm24_cu,matmul_nm24i8_cu,matmul_w8_cu"'

wait $other
[ $? = 1 ] || { fail "the other b: exit $?"; cat "$work/other"; }
says other/b/summary.txt 'rows, all: 0 of 0 right'
timed other/b/blocks.jsonl 1 bsr64x64-f16@0.5 bsr64x64-f16@0.8

wait $cut
[ $? = 1 ] || fail "nothing was measured, and that is well"
says cut/a/summary.txt 'rows, small: 1 of 1 right'
says cut/a/summary.txt 'bitmap-f16: not begun, no time left$\|breakeven: [0-9]* results, [1-9][0-9]* of them cut$'
says cut/a/summary.txt '^        PyTorch: '
says cut/a/summary.txt 'done: 0 records$'
[ ! -s "$work/out/cut/a/bad-rows.txt" ] || fail "a row is bad that is none"

wait $ended
[ "$(cat "$work/ended-code")" = 1 ] || fail "ended by a signal: exit $(cat "$work/ended-code")"
says ended/a/summary.txt '^        what would have come now: ended by a signal$'
says ended/a/summary.txt 'done: 0 records$'
[ -s "$work/out/ended/a/logs.tar.gz" ] || fail "no logs of the call that was ended"

# What is to be kept has its device, day, commit and call in its name.
"$source/bench/results/keep.sh" "$work/out" "$work/kept" >"$work/said" 2>&1 || fail "keep: exit $?"
cd "$work/kept/emulated-on-the-cpu-no-gpu" || fail "keep: no folder of the device"
for name in a-sparse24.jsonl a-summary.txt b-dense-2.jsonl b-table.txt; do
    [ "$(find . -name "20??-??-??-*-cuda0-$name" -size +0 | wc -l)" = 1 ] || fail "keep: no $name"
done
cd "$source" || exit 1
if "$source/bench/results/keep.sh" "$work/none" "$work/kept" 2>/dev/null; then fail "keep: nothing was kept, and that is well"; fi

# Bad input.
call 2
call 2 c "$work/out"
call 2 b "$work/out" "$work/none"
exit $failed
