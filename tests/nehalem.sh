#!/bin/sh
# The build of this machine on an emulated x86-64 without AVX: the tool starts, says what it has, and
# the portable rows are right.   nehalem.sh BUILD   (needs qemu-user)
set -eu
on="qemu-x86_64 -cpu Nehalem"
# Kernels that OpenBLAS is told to run, and that this processor can't, are refused by name.
OPENBLAS_CORETYPE=Haswell $on "$1/tare" devices -d cpu --quick | grep -q 'no OpenBLAS: it runs Haswell kernels' ||
    { echo "OpenBLAS was taken at its word"; exit 1; }
unset OPENBLAS_CORETYPE || true
$on "$1/tare" devices -d cpu --quick >"$1/nehalem.txt"
head -3 "$1/nehalem.txt"
grep -q '^  features  *portable$' "$1/nehalem.txt" || { echo "features that Nehalem has not"; exit 1; }
$on "$1/tests/checkrows" small cpu _c >"$1/nehalem.txt" || { cat "$1/nehalem.txt"; exit 1; }
grep -v skipped "$1/nehalem.txt" | tail -1
echo "x86-64 without AVX: run by $(qemu-x86_64 --version | head -1), -cpu Nehalem: all passed"
