#!/bin/sh
# tare compare --gate over records that a run made and that were changed since.   compare.sh TOOL SOURCE
set -u
tool=$1 data=$2/tests/data/compare failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() { echo "FAILED: $*"; failed=$((failed + 1)); }

# gate CODE TEXT A B: the exit code, and TEXT in the one line of stderr. Without --gate the same line, and 0.
gate() {
    "$tool" compare --gate "$3" "$4" >out 2>err
    code=$?
    [ $code = "$1" ] || fail "compare --gate $3 $4: exit code $code, not $1: $(cat err)"
    grep -q -- "^tare compare: $2" err || fail "compare --gate $3 $4: says nothing of '$2': $(cat err)"
    [ "$(wc -l <err)" = 1 ] || fail "compare --gate $3 $4: not one line: $(cat err)"
    "$tool" compare "$3" "$4" >out 2>plain || fail "compare $3 $4: fails without --gate"
    cmp -s err plain || fail "compare $3 $4: says something else without --gate"
}

a=$data/a.jsonl
gate 0 'unchanged or faster: 10 of 10 cells' "$a" "$a"
gate 1 'slower: 8 of 10 cells: cpu 1x4096x4096 f32 .*the median a / b of all 22 cells is 0.5$' "$a" "$data/slow2x.jsonl"
gate 1 'slower: .*matmul_w8a8_vnni -> matmul_w8a8_avx2' "$a" "$data/otherkernel.jsonl"
grep -q 'matmul_w8a8_vnni -> matmul_w8a8_avx2 .* slower$' out || fail "the table has no change of kernel"
gate 4 'wrong: 22 of 22 cells: .*(y\[0,5\] is nan)' "$a" "$data/wrong.jsonl"
gate 5 "can't tell: 9 of 10 cells: .*(only in a)" "$a" "$data/most-missing.jsonl"
gate 5 "can't tell, another machine: .*'Another CPU' in b" "$a" "$data/othercpu.jsonl"
gate 4 'wrong' "$data/othercpu.jsonl" "$data/wrong.jsonl"
# The other way round: faster, but two of those asked for are noisy.
gate 5 "can't tell: 2 of 10 cells: .*(noisy in both)" "$data/slow2x.jsonl" "$a"
grep -v '"noisy":true' "$a" >quiet.jsonl
grep -v '"noisy":true' "$data/slow2x.jsonl" >quiet2x.jsonl
gate 0 'unchanged or faster: 8 of 8 cells' quiet2x.jsonl quiet.jsonl
# The name of a workload is none of the problem's, and a mask none of the machine's.
sed 's/"workload":"[^"]*"/"workload":"attn.q"/; s/"mask":null/"mask":"avx2"/' "$data/slow2x.jsonl" >masked.jsonl
gate 1 'slower: 8 of 10' "$a" masked.jsonl
sed 's/"threads":2/"threads":1/' "$data/slow2x.jsonl" >threads.jsonl
gate 5 "can't tell, another machine: .*threads: 2 in a, 1 in b" "$a" threads.jsonl
# Everything slower, and the machine with it.
sed 's/"read_gbs":34[0-9.]*/"read_gbs":18.5/; s/"f32_gflops":381[0-9.]*/"f32_gflops":200/' "$data/slow2x.jsonl" >drift.jsonl
gate 5 "can't tell: .*but b's ceilings fell to 0.52" "$a" drift.jsonl
# Records of before these keys.
for f in a slow2x; do
    sed 's/"role":"[a-z]*",//; s/"noisy":[a-z]*,//; s/"op":"matmul",//; s/"env":{.*$/"env":{}}/' "$data/$f.jsonl" >old-$f.jsonl
done
gate 1 'slower: 22 of 22' old-a.jsonl old-slow2x.jsonl
gate 1 'slower: 8 of 10' "$a" old-slow2x.jsonl
"$tool" compare "$a" "$data/otherkernel.jsonl" -o jsonl 2>err >out
[ "$(grep -c '"gate": *"slower"' out)" = 17 ] || fail "records of pairs do not tell what each says: $(grep -c '"gate": *"slower"' out)"
"$tool" compare "$a" "$data/otherkernel.jsonl" -o csv 2>err | head -1 | grep -q ',gate,why,' || fail "CSV does not tell what a pair says"
[ $failed = 0 ] && echo "compare: all as expected"
exit $failed
