#!/bin/sh
# Measures the table of the OpenCL issue on this machine and keeps its records, a folder a device:
#   bench/results/record.sh TARE [DEVICES [SECONDS]]        from the top of a clean, built checkout
# The folder's name is the device's, in lower case, with a dash for whatever is no letter or digit; the
# file's are the date, the commit and the device's id.
set -eu
tool=${1:?the tool, build/tare} devices=${2:-cpu,opencl} seconds=${3:-0.3}
here=$(cd "$(dirname "$0")" && pwd)
all=$(mktemp)
trap 'rm -f "$all"' EXIT
"$tool" bench -d "$devices" --scheme f32,w8a8,w4a16,csr@0.9,bitmap@0.5 -m 1,64 --time "$seconds" \
    -o jsonl --out "$all"
# The first of what stands behind a key.
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -1; }
for id in $(sed -n 's/^{"schema":"[^"]*","device":"\([^"]*\)".*/\1/p' "$all" | sort -u); do
    mine=$(grep "^{\"schema\":\"[^\"]*\",\"device\":\"$id\"" "$all")
    name=$(printf '%s\n' "$mine" | value device_name)
    slug=$(printf '%s' "$name" | tr 'A-Z' 'a-z' | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//')
    commit=$(printf '%s\n' "$mine" | value commit) date=$(printf '%s\n' "$mine" | value date)
    file=$slug/${date%T*}-${commit:-unknown}-$(printf '%s' "$id" | tr -d ':').jsonl
    mkdir -p "$here/$slug"
    printf '%s\n' "$mine" >"$here/$file"
    echo "$file: $(printf '%s\n' "$mine" | wc -l) records of $id, $name"
done
