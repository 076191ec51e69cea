#!/bin/sh
# The outside witness runs, over the installed library alone, and its table has a line a scheme. Sizes are tiny: what it says of
# times is not looked at.  witness.sh BUILD SOURCE
set -eu
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed() { echo "FAILED: $*"; cat "$work/out"; exit 1; }

grep -n 'include.*"' "$source/examples/witness.c" && { echo "the witness includes a header of the project"; exit 1; }

DESTDIR='' cmake --install "$build" --prefix "$work/prefix" >/dev/null
lib=$(dirname "$(find "$work/prefix" -name libtare.so)")
LD_LIBRARY_PATH=$lib PKG_CONFIG_PATH=$lib/pkgconfig
export LD_LIBRARY_PATH PKG_CONFIG_PATH
# shellcheck disable=SC2046 # a list of flags
${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror "$source/examples/witness.c" $(pkg-config --cflags --libs tare) -lm -o "$work/witness"

number='[0-9][0-9.e+-]*'
for scheme in f32 bf16 w8a8 w4a16-g128 csr@0.9 csr@0.25; do
    for cache in cold hot; do
        "$work/witness" "$scheme" -m 3 -n 40 -k 136 --cache $cache --time 0 --cold-bytes 100000 >"$work/out" 2>&1 ||
            failed "$scheme $cache"
        grep -q "^$scheme m 3 n 40 k 136 $cache matmul_[a-z0-9_]* $number ns 31 samples [0-9]* copies error $number\$" "$work/out" ||
            failed "$scheme $cache: the form of its line"
        [ $cache = cold ] || grep -q ' 1 copies ' "$work/out" || failed "$scheme hot: copies"
    done
done
# More than 1024 copies hold is read from a buffer.
"$work/witness" f32 -n 8 -k 8 --time 0 --cold-bytes 3000000 >"$work/out" 2>&1 || failed "eviction"
grep -q ' 1024 copies ' "$work/out" || failed "eviction: copies"
"$work/witness" f32 -n 8 -k 8 --time 0 --cold-bytes 8 --kernel matmul_any_ref >"$work/out" 2>&1 || failed "a kernel by name"
grep -q ' matmul_any_ref ' "$work/out" || failed "a kernel by name"

refused() { # CODE WORDS ARGUMENTS
    code=0 want=$1 words=$2
    shift 2
    "$work/witness" "$@" >"$work/out" 2>&1 || code=$?
    [ $code = "$want" ] || failed "$*: exit $code"
    grep -q "$words" "$work/out" || failed "$*: no '$words'"
}
refused 2 usage
refused 2 usage csr@1
refused 2 usage f64
refused 2 usage f32 -m 0
refused 2 usage f32 --cache lukewarm
refused 2 usage f32 -m
refused 1 no_such_kernel f32 --kernel no_such_kernel

# The comparison as a whole: 1 only says that times differ.
code=0
"$source/bench/witness.sh" "$build" --rounds 1 -m 1 -n 64 -k 128 --caches hot --schemes f32,csr@0.9 --time 0.01 >"$work/out" 2>&1 ||
    code=$?
[ $code -le 1 ] || failed "bench/witness.sh: exit $code"
[ "$(grep -c "^\(f32\|csr@0.9\)  *1  hot   matmul_[a-z0-9_]*  *1  *$number  *$number  *[+-]$number %" "$work/out")" = 2 ] ||
    failed "bench/witness.sh: the form of its table"
grep -q "^$code of 2 beyond 5 %\|^2 of 2 beyond 5 %" "$work/out" || failed "bench/witness.sh: its last line"
code=0
"$source/bench/witness.sh" "$build" --rounds >"$work/out" 2>&1 || code=$?
[ $code = 2 ] || failed "bench/witness.sh: an option without a value is exit $code"
echo "the witness ran"
