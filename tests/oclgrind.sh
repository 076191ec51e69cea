#!/bin/sh
# Every OpenCL kernel at small shapes, in the shapes of both classes of devices, under oclgrind: no access out of
# bounds, no race, no misuse of the API.   oclgrind.sh CHECKROWS FOLDER_OF_MODULES
# Uninitialised values are not asked for: kernels load whole vectors of padding and drop what they make of it.
set -u
command -v oclgrind >/dev/null 2>&1 || {
    echo "skipped: oclgrind is not installed (Debian: oclgrind)"
    exit 77
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export TARE_BACKEND_DIR="$2" TARE_CACHE_DIR= TARE_THREADS=1 OMP_NUM_THREADS=1 TARE_CHECKROWS_NO_EXIT_HANDLERS=1
bad=0
for class in cpu gpu; do
    : >"$log"
    TARE_OPENCL_CLASS=$class oclgrind --data-races --check-api --max-errors 50 --log "$log" "$1" small opencl || bad=1
    # The log has what oclgrind found, and nothing else.
    [ -s "$log" ] || continue
    echo "oclgrind, class $class:"
    head -60 "$log"
    bad=1
done
exit $bad
