#!/bin/sh
# Keeps what the calls of bench/on-gpu.sh brought back: records, summaries and tables, in a folder by the device's name,
# by day, commit and call.      keep.sh OUT [FOLDER]        FOLDER: this one
set -eu
out=${1:?the folder that on-gpu.sh was given}
here=$(cd "$(dirname "$0")" && pwd)
first=$(cat "$out"/[ab]/*.jsonl 2>/dev/null | grep -m 1 '"schema":"tare-bench') || true
[ -n "$first" ] || { echo "$out: no records of a call" >&2; exit 1; }
value() { printf '%s\n' "$first" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
slug=$(value device_name | tr '[:upper:]' '[:lower:]' | tr -cs '[:alnum:]\n' '-' | sed 's/^-//; s/-$//')
day=$(value date)
to=${2:-$here}/$slug/${day%T*}-$(value commit)-cuda0
mkdir -p "$(dirname "$to")"
for file in "$out"/[ab]/*.jsonl "$out"/[ab]/summary.txt "$out"/[ab]/table.txt; do
    [ -s "$file" ] || continue
    cp "$file" "$to-$(basename "$(dirname "$file")")-$(basename "$file")"
    echo "$to-$(basename "$(dirname "$file")")-$(basename "$file")"
done
