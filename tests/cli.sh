#!/bin/sh
# The tool as its users meet it: outputs, exit codes, messages.   cli.sh TOOL SOURCE
set -u
tool=$1 data=$2/tests/data failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() { echo "FAILED: $*"; failed=$((failed + 1)); }

# expect CODE TEXT args...: the exit code, and TEXT somewhere in one line of stderr (or stdout for 0).
expect() {
    want=$1 text=$2
    shift 2
    "$tool" "$@" >out 2>err </dev/null
    code=$?
    [ $code = "$want" ] || fail "tare $*: exit code $code, not $want: $(cat err)"
    [ -z "$text" ] || grep -qi -- "$text" out err || fail "tare $*: says nothing of '$text': $(cat err)"
    [ "$want" = 0 ] || [ "$(wc -l <err)" = 1 ] || [ $# = 0 ] || fail "tare $*: not one line: $(cat err)"
}

same() {
    file=$1
    shift
    "$tool" "$@" >out || fail "tare $*: failed"
    cmp -s out "$data/$file" || { fail "tare $*: differs from $file"; diff out "$data/$file"; }
}

same quant-error.txt lab quant-error
same model-size.txt lab model-size
same quant-error-32.txt lab quant-error --scale 32,4
same model-size-3.txt lab model-size --layers 128,64,32,10
expect 0 '1e-05' lab quant-error --values 0.00001,1e16 --scale 1e9
expect 0 'params: 110' lab model-size --layers 10,10
expect 2 'list of numbers' lab quant-error --values 1,x
expect 2 'list of numbers' lab quant-error --values 1,,2
expect 2 'list of numbers' lab quant-error --values nan
expect 2 'above 0' lab quant-error --scale 0
expect 2 'overflows' lab quant-error --values 1e300 --scale 1e300
expect 2 'width' lab model-size --layers 128,-1
expect 2 'at least one layer' lab model-size --layers 128
expect 2 'one of' lab
expect 2 'did you mean' benhc
expect 2 'unknown verb' xyzzyxyzzy
expect 0 'tare 0' --version
for verb in devices explain bench breakeven compare tune lab demo; do
    expect 0 "$verb" "$verb" --help
    expect 0 "$verb" help "$verb"
    [ "$(wc -l <out)" -gt 5 ] || fail "tare help $verb: hardly any help"
    expect 2 'nosuch' "$verb" --nosuch
done
expect 0 'matmul_any_ref' devices --quick
expect 0 '| `w8a8` | `i8-row` | [a-z0-9_]*\*\? |' devices -o md -d cpu
[ "$(grep -c '|' out)" = 28 ] || fail "devices -o md -d cpu: not a row a scheme and two of heading"
expect 3 'quantum' devices -d quantum
expect 2 'none of' devices -o yaml
"$tool" devices --quick >out
if grep -q ' avx2' out; then
    ! grep -qE 'OpenBLAS [0-9.]+ (Prescott|Core2|Penryn|Nehalem) ' out || fail "OpenBLAS without AVX is no baseline"
fi
if grep -q 'OpenBLAS [0-9]' out; then
    OPENBLAS_CORETYPE=Nehalem "$tool" devices --quick | grep -q Nehalem || fail "OPENBLAS_CORETYPE is overruled"
fi
TARE_OPENBLAS=/none/libblas.so TARE_ONEDNN=off "$tool" devices --quick >out || fail "the tool needs OpenBLAS or oneDNN"
grep -q 'no OpenBLAS: /none/libblas.so was not found, no oneDNN: switched off by TARE_ONEDNN' out ||
    fail "devices does not say which libraries are missing"
expect 0 'matmul_any_ref' explain --scheme csr@0.9 -n 64 -k 64
expect 2 'scheme' explain --scheme w3a3 -n 64 -k 64
# A row left out by name: refused with these words, and another is taken.
expect 0 '^->' explain --scheme w8a8 -n 64 -k 64
best=$(sed -n 's/^-> \([a-z0-9_]*\).*/\1/p' out)
TARE_ROWS_WITHOUT=$best expect 0 "^   $best .*left out by TARE_ROWS_WITHOUT" explain --scheme w8a8 -n 64 -k 64
grep -q '^-> matmul_' out || fail "without $best no row is left"
TARE_ROWS_WITHOUT="matmul_any_ref, $best" expect 0 "^   $best .*left out" explain --scheme w8a8 -n 64 -k 64
TARE_ROWS_WITHOUT=matmul expect 2 "no device here has a kernel 'matmul'" explain --scheme w8a8 -n 64 -k 64
TARE_ROWS_WITHOUT=$best expect 0 '' bench -n 64 -k 64 -m 1 --scheme w8a8 --time 0.01 --samples 6 -o jsonl --out without.jsonl
grep '"scheme":"w8a8"' without.jsonl | grep -q "\"kernel\":\"$best\"" && fail "$best was measured without it"
grep -q "\"rows_without\":\"$best\"" without.jsonl || fail "records do not say what was left out"
expect 2 'scheme' bench --scheme w3a3 -n 64 -k 64
expect 2 'suite' bench nosuchsuite
expect 2 '-n' bench -n 0 -k 64
expect 2 '-m' bench -n 64 -k 64 -m 1,,2
expect 2 '.' bench -n 99999999999999999999 -k 64
expect 2 '.' bench -n 2147483647 -k 2147483647
expect 3 'quantum' bench -n 64 -k 64 -d quantum
expect 3 'matmul_none' bench -n 64 -k 64 --kernel matmul_none
expect 2 'write' bench -n 64 -k 64 --out /proc/none/x
expect 0 '' bench -n 64 -k 64 -m 1 --scheme w8a8 --time 0.01 --samples 6 -o jsonl --out record.jsonl
grep -q '"kernel": *"matmul_w8a8' record.jsonl || fail "the record does not name its kernel"
[ "$(ls record.jsonl* | wc -l)" = 1 ] || fail "a partial file was left behind"
# Records against themselves, and files that are none.
expect 0 'unchanged or faster: 1 of 1 cells' compare record.jsonl record.jsonl
! grep -q 'only in' out || fail "compare finds half of a record in the same file"
sed 's/"scheme":"w8a8"/"scheme":"w8a9"/' record.jsonl >other.jsonl
expect 0 'w8a8 .*only in a' compare record.jsonl other.jsonl
expect 0 'w8a9 .*only in b' compare record.jsonl other.jsonl
[ "$("$tool" compare record.jsonl record.jsonl -o csv | wc -l)" = "$(($(wc -l <record.jsonl) + 1))" ] ||
    fail "compare -o csv: not a line a record"
sed '2s/.\{40\}$//' record.jsonl >bad.jsonl
expect 2 'bad.jsonl:2: not JSON' compare record.jsonl bad.jsonl
sed '3s/tare-bench-3/tare-bench-1/' record.jsonl >bad.jsonl
expect 2 "bad.jsonl:3: .*tare-bench-1.*reads tare-bench-3 and tare-bench-2" compare bad.jsonl record.jsonl
sed 's/"m":1,/"m":1e300,/' record.jsonl >bad.jsonl
expect 2 "bad.jsonl:1: 'm'" compare bad.jsonl record.jsonl
expect 2 'no records' compare record.jsonl /dev/null
expect 2 'none.jsonl' compare record.jsonl none.jsonl
expect 2 'two files' compare record.jsonl
expect 2 'yaml' compare record.jsonl record.jsonl -o yaml
expect 2 '--out' compare record.jsonl record.jsonl --out /proc/none/x
expect 2 'dataset-fashion-mnist\|--data' demo --data "$work/empty"
printf 'broken' >"$work/train-images-idx3-ubyte.gz"
expect 2 'train-' demo --data "$work"
# A disk that takes nothing: files may not grow, and the signal that says so is ignored.
no_room() { (trap '' XFSZ; ulimit -f 0; exec "$tool" "$@" >"$work/room" 2>"$work/pipe") }
mkfifo pipe
cat pipe >err &
no_room lab quant-error && fail "a full disk went unnoticed"
wait
grep -q 'standard output' err || fail "a full disk is not named: $(cat err)"
cat pipe >err &
no_room bench -n 64 -k 64 --time 0.01 --samples 6 --out "$work/full.jsonl" -o jsonl && fail "a full disk went unnoticed by bench"
wait
[ "$(ls full.jsonl* 2>/dev/null | wc -l)" = 0 ] || fail "a partial file on a full disk: $(ls full.jsonl*)"
grep -q 'full.jsonl' err || fail "the file on a full disk is not named: $(cat err)"
# What was measured is not lost with its file.
if [ -w /dev/full ]; then
    "$tool" bench -n 64 -k 64 --time 0.01 --samples 6 --scheme w8a8 -o jsonl --out /dev/full >out 2>err
    [ $? = 2 ] || fail "/dev/full was written"
    grep -q '/dev/full.*standard output' err || fail "a report that went elsewhere is not announced: $(cat err)"
    grep -q '"kernel": *"matmul_w8a8' out || fail "the report was lost with its file"
fi
expect 2 'which device' tune
expect 2 '--time' tune -d cpu --time 0
expect 3 'nothing to tune' tune -d cpu
expect 3 'quantum' tune -d quantum
# The route's choice is shown where there is one.
if "$tool" devices --quick -d opencl >/dev/null 2>&1; then
    expect 0 '^route: ' explain --scheme w8a8 -n 64 -k 64 -d cpu,opencl
    grep -q '^-> cpu\|^-> opencl' out || fail "explain -d cpu,opencl shows no choice"
fi
expect 2 "'w8a8' is no format" breakeven -n 64 -k 64 --scheme w8a8
TARE_CPU_MASK=0 "$tool" devices --quick >out || fail "devices under a mask"
grep -q '^w8a8 .* matmul_w8a8_c' out || fail "TARE_CPU_MASK=0 does not leave the portable kernels: $(grep '^w8a8 ' out)"
TARE_CPU_MASK=portable "$tool" devices --quick -d cpu >out || fail "devices under a mask by name"
grep -q '^  features  *portable$' out || fail "TARE_CPU_MASK=portable leaves more"
if TARE_CPU_MASK=avx2 "$tool" devices --quick -d cpu >out 2>err; then
    ! grep -q '^  features .*avx512' out || fail "TARE_CPU_MASK=avx2 leaves avx512"
else
    grep -q 'portable, the only kernels' err || fail "devices under a mask by name: $(cat err)"
fi
for wrong in many 0 -1 3x 5000; do
    export TARE_THREADS=$wrong
    expect 2 "counts threads" devices --quick -d cpu
    unset TARE_THREADS
done
# Options that are read by half measure something else than was asked for.
while read -r word; do
    # shellcheck disable=SC2086 # an option and its value
    expect 2 "${word%%[ =]*}" bench $word
done <<'END'
--time 0.1s
--time 1e3junk
--time nan
--time inf
--time 0x1
--time=
--limit 10,5
--threads 8x
--threads 0
--threads 4294967297
--threads=
--samples 1e3
--samples 5
--seed -1
--seed 9223372036854775808
-m 1,,8
-m 1,
-m 1-
-m 8-1
-m 1-8*1
-m +8
-m 8x
-d cpu,
END
expect 2 'scheme' bench --scheme f32,
expect 2 'millionth' bench --scheme csr@0.9999999
expect 2 'millionth' bench --scheme csr@0.9x
expect 2 "' 4'" bench -m ' 4'
expect 2 "' 4'" bench --threads ' 4'
expect 2 '--epochs' demo --epochs 3x
expect 2 '--time' demo --time nan
expect 2 '--time' tune -d cpu --time 5s
expect 2 '--timing' explain --scheme f32 --timing host
expect 2 '--seed' explain --scheme f32 --seed 3
for wrong in 0x 0x1g 7x avx2, 'avx2 ' portable,avx2; do
    export TARE_CPU_MASK="$wrong"
    expect 2 'TARE_CPU_MASK' devices --quick -d cpu
    unset TARE_CPU_MASK
done
TARE_THREADS='' TARE_CPU_MASK='' "$tool" devices --quick -d cpu >out || fail "empty variables are not as none"
# A share of zeros is the one that was asked for, and its cell has as many values.
expect 0 '' bench -n 100 -k 100 --time 0.01 --samples 6 --scheme csr@99.99%,csr@0.9996,csr@0.0004 -o jsonl
for pair in 0.9999:1 0.9996:4 0.0004:9996; do
    grep -q "\"scheme\":\"csr@${pair%:*}\".*\"nnz\":${pair#*:}," out ||
        fail "csr@${pair%:*} does not keep ${pair#*:} of 10000 values"
done
# Long measurements, which an emulator makes longer still: TARE_CLI_QUICK leaves them out.
if [ -z "${TARE_CLI_QUICK:-}" ]; then
# What was measured before a signal is there in every form, on a pipe and in a file, whole; what was not is named.
many() { exec "$tool" bench -n 64 -k 64,96,128,160,192,224,256 -m 1-64*2 --scheme w8a8 --cache hot --time 0.2 "$@"; }
# whole FORM FILE: w8a8 is in it, no line is a part of one, and there are no two heads.
whole() {
    grep -q 'w8a8' "$2" || fail "$1: a signal took what was measured: $(cat "$2")"
    [ "$(tail -c 1 "$2" | od -An -c | tr -d ' ')" = '\n' ] || fail "$1: the last line has no end"
    case $1 in
        jsonl) ! grep -qv '^{"schema":"tare-bench-[0-9]",.*}}$' "$2" || fail "jsonl: half a record" ;;
        csv) [ "$(grep -vc '^tare-bench-[0-9],cpu,' "$2")" = 1 ] || fail "csv: not one head" ;;
        *) [ "$(grep -c 'm x n x k' "$2")" = 1 ] && grep -q 'ceilings: ' "$2" || fail "$1: no end: $(tail -3 "$2")" ;;
    esac
}
# until FILE: something is in it, or the job has ended.
until_some() { while [ ! -s "$1" ] && kill -0 $job 2>/dev/null; do sleep 0.1; done; }
for form in table md csv jsonl; do
    rm -f part.out
    many -o $form >part.out 2>err &
    job=$!
    until_some part.out
    kill -TERM $job
    wait $job
    [ $? = 143 ] || fail "-o $form: a signal's exit code is not 143: $(tail -1 err)"
    whole $form part.out
    grep -q 'cpu 64x256 m 64: not measured, interrupted' err || fail "what is missing is not named: $(tail -2 err)"
    [ "$(grep -c 'm 64: not measured' err)" -le 7 ] || fail "what is missing is named twice: $(cat err)"
done
for signal in HUP:129 TERM:143; do
    rm -f part.txt
    many -o jsonl --out part.txt >out 2>err &
    job=$!
    until_some part.txt
    kill -${signal%:*} $job
    wait $job
    [ $? = ${signal#*:} ] || fail "the exit code of ${signal%:*} is not ${signal#*:}: $(tail -1 err)"
    whole jsonl part.txt
    [ ! -s out ] && [ "$(ls part.txt* | wc -l)" = 1 ] || fail "--out left more than its file: $(ls part.txt*)"
done
# A signal that comes before anything was measured leaves a file as it was.
echo before >kept.txt
many --out kept.txt >out 2>err &
job=$!
sleep 0.2
kill -TERM $job
wait $job
[ $? = 143 ] || fail "a signal's exit code is not 143: $(tail -1 err)"
[ "$(cat kept.txt)" = before ] || grep -q w8a8 kept.txt || fail "a signal spoiled a file: $(cat kept.txt)"
# Progress without a terminal: a line a shape and m.
expect 0 '' bench -n 8,16 -k 8 --scheme f32 --time 0.001 --samples 6
[ "$(sed -n 's/, about [0-9]* s left$//;p' err)" = "cpu 8x8 m 1: 1 of 2
cpu 16x8 m 1: 2 of 2" ] || fail "progress: $(cat err)"
# A suite's totals, in every form that has them; a comparison is about its cells.
printf '# two layers\n# made up\nfirst 64 64 3\nsecond 32 64\n' >two.txt
expect 0 '' bench ./two.txt --scheme w8a8,2:4-i8 --time 0.001 --samples 6 -o jsonl --out two.jsonl
[ "$(grep -c '"schema":"tare-total-1","device":"cpu","suite":"two","m":1,"scheme":"w8a8","role":"asked"' two.jsonl)" = 1 ] ||
    fail "no total of w8a8: $(grep total two.jsonl)"
grep -q '"scheme":"w8a8".*"layers":2,"layers_timed":2,.*"missing":\[\]' two.jsonl || fail "a layer is missing"
expect 0 'unchanged or faster: 4 of 4 cells' compare two.jsonl two.jsonl
! grep -q 'only in' out || fail "compare finds half of a record in the same file"
grep tare-total-1 two.jsonl >totals.jsonl
expect 2 'no records' compare totals.jsonl two.jsonl
expect 0 '^two  *1  *w8a8 ' bench ./two.txt --scheme w8a8 --time 0.001 --samples 6
expect 0 '| two  *|  *1 | w8a8 ' bench ./two.txt --scheme w8a8 --time 0.001 --samples 6 -o md
expect 0 '' bench ./two.txt --scheme w8a8 --time 0.001 --samples 6 -o csv
! grep -q 'total' out || fail "csv has two kinds of rows"
expect 0 '' bench ./two.txt --scheme w8a8 --time 0.001 --samples 6 --limit 0.001
grep -q 'INCOMPLETE; without second' out || fail "a total of half a model: $(cat out)"
# Break-even within a time, and what a signal leaves of it.
"$tool" breakeven -n 64 -k 64 --limit 0.001 >out 2>err
[ $? = 5 ] && [ ! -s out ] || fail "breakeven without time: $(cat out err)"
[ "$(grep -c 'cpu 64x64 m 1 [a-z0-9-]*: not begun, no time left' err)" = 4 ] || fail "what was not begun is not named: $(cat err)"
grep -q 'nothing was found within the limit' err || fail "breakeven without time: $(cat err)"
"$tool" breakeven -n 64 -k 64 -m 1,8 --scheme csr,bitmap --cache hot --samples 6 --limit 10 -o jsonl >out 2>err
code=$? # where the machine is so busy that nothing was found, it says so
[ $code = 0 ] || { [ $code = 5 ] && [ ! -s out ]; } || fail "breakeven with a limit: exit code $code, $(cat err)"
rows=$(grep -c '"result":"\(at\|always\|never\|unclear\|cut\)"' out)
[ $((rows + 2 * $(grep -c 'not begun' err))) = 8 ] || fail "a search is neither there nor named: $(cat out err)"
for form in table jsonl; do
    rm -f even.out
    "$tool" breakeven -n 64 -k 64 -m 1-64 --scheme csr --cache hot --time 0.05 --samples 6 --limit 600 -o $form >even.out 2>err &
    job=$!
    until_some even.out
    kill -TERM $job
    wait $job
    [ $? = 143 ] || fail "breakeven -o $form: a signal's exit code is not 143: $(tail -1 err)"
    grep -q 'csr.*matmul_csr' even.out || fail "breakeven -o $form: a signal took what was found: $(cat even.out)"
    grep -q 'cpu 64x64 m 64 csr: not begun, interrupted' err || fail "breakeven names nothing: $(tail -2 err)"
    case $form in
        jsonl) ! grep -qv '^{"schema":"tare-breakeven-1",.*}}$' even.out || fail "breakeven: half a record" ;;
        *) grep -q '^zeros: ' even.out || fail "breakeven: no end" ;;
    esac
done
fi
TARE_CPU_MASK=avx3 "$tool" devices --quick >out 2>err
[ $? = 2 ] && grep -q 'TARE_CPU_MASK' err || fail "TARE_CPU_MASK=avx3 is taken: $(cat err)"
TARE_CPU_MASK=avx3 "$tool" bench --help >out || fail "help asks for a mask that is right"
[ $failed = 0 ] && echo "cli: all as expected"
exit $failed
