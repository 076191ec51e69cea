#!/bin/sh
# libtare.so exports what tests/data/symbols.txt lists, nothing else.   symbols.sh LIBRARY LIST
set -eu
nm -D --defined-only "$1" | awk '$2 ~ /[TDBR]/ { print $3 }' | LC_ALL=C sort | diff "$2" - ||
    { echo "the exported symbols differ from $2 (left: expected)"; exit 1; }
# Libraries of vendor rows are opened at run time.
if readelf -d "$1" | grep NEEDED | grep -E 'openblas|dnnl'; then
    echo "$1 needs a vendor's library to start"
    exit 1
fi
