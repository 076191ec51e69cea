#!/bin/sh
# Holds `tare bench` against an outside witness, examples/witness.c, which is built over the installed library and shares no
# code with the harness.  witness.sh BUILD [--rounds R] [--schemes LIST] [-m LIST] [-n N] [-k K] [--caches LIST] [--time S]
# [--threads T] [--within PERCENT]
#
# For each m and cache state `tare bench` measures all schemes, and in each round the witness each of them with the kernel that
# the record names, then `tare bench` again. The table has the medians over the rounds, and the median of the differences
# within a round. Exit: 0 all within PERCENT (5), 1 one beyond it, 2 bad arguments, 3 nothing to compare or a run that failed.
set -eu
rounds=3 schemes=f32,bf16,w8a8,w4a16-g128,csr@0.9 ms=1,8 n=2048 k=2048 caches=cold,hot time=0.5 threads='' within=5
usage() { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
[ $# -ge 1 ] || usage
build=$1 source=$(cd "$(dirname "$0")/.." && pwd)
shift
while [ $# -ge 2 ]; do
    case $1 in
    --rounds) rounds=$2 ;;
    --schemes) schemes=$2 ;;
    -m) ms=$2 ;;
    -n) n=$2 ;;
    -k) k=$2 ;;
    --caches) caches=$2 ;;
    --time) time=$2 ;;
    --threads) threads=$2 ;;
    --within) within=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ $# = 0 ] || usage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
failed() { echo "witness.sh: $*" >&2; exit 3; }

DESTDIR='' cmake --install "$build" --prefix "$work/prefix" >/dev/null || failed "$build can't be installed"
lib=$(dirname "$(find "$work/prefix" -name libtare.so)")
LD_LIBRARY_PATH=$lib PKG_CONFIG_PATH=$lib/pkgconfig
export LD_LIBRARY_PATH PKG_CONFIG_PATH
# shellcheck disable=SC2046 # a list of flags
${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror "$source/examples/witness.c" $(pkg-config --cflags --libs tare) -lm \
    -o "$work/witness" || failed "examples/witness.c does not build"

# Of each record that was asked for and timed: scheme, kernel, median, whether noisy, threads, cold bytes.
cells() {
    awk 'function get(key, v) {
             if (!match($0, "\"" key "\": *(\"[^\"]*\"|[^,}]*)")) return ""
             v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
             gsub(/^ *"?|"$/, "", v)
             return v == "null" ? "" : v
         }
         get("role") == "asked" && get("median_ns") != "" {
             print get("scheme"), get("kernel"), get("median_ns"), get("noisy"), get("threads"), get("cold_bytes") + 0
         }' "$1"
}

list() { echo "$1" | tr , ' '; }
: >"$work/pairs"
weigh() { # FILE M CACHE: the cells of a bench
    "$work/prefix/bin/tare" bench -n "$n" -k "$k" -m "$2" --cache "$3" --scheme "$schemes" --time "$time" \
        ${threads:+--threads "$threads"} -o jsonl --out "$work/records.jsonl" 2>"$work/log" ||
        failed "tare bench: $(tail -1 "$work/log")"
    cells "$work/records.jsonl" >"$1"
}
# The witness stands between two benches, and is held against their mean: what drifts steadily cancels. A kernel that
# only the one before it took is held against that one.
for m in $(list "$ms"); do
    for cache in $(list "$caches"); do
        weigh "$work/before" "$m" "$cache"
        for round in $(seq "$rounds"); do
            : >"$work/seen"
            while read -r scheme kernel median noisy used cold; do
                # A ring keeps part of itself in a cache that is not strict about age: 134 MB read 4 to 6 % faster than
                # 400 MB beside a cache of 32 MB. In the harness the others go by as well.
                [ "$cold" != 0 ] && cold=$((3 * cold)) || cold=
                line=$("$work/witness" "$scheme" -m "$m" -n "$n" -k "$k" --cache "$cache" --kernel "$kernel" \
                    --threads "$used" --time "$time" ${cold:+--cold-bytes "$cold"}) ||
                    failed "the witness of $scheme by $kernel"
                echo "$line" | awk -v median="$median" -v noisy="$noisy" -v round="$round" \
                    '{ print $1, $3, $8, $9, round, median, $10, noisy }' >>"$work/seen"
            done <"$work/before"
            weigh "$work/after" "$m" "$cache"
            awk 'NR == FNR { after[$1 " " $2] = $3; noisy[$1 " " $2] = $4; next }
                 { key = $1 " " $4 }
                 key in after { $6 = ($6 + after[key]) / 2; if (noisy[key] == "true") $8 = "true" }
                 { print }' "$work/after" "$work/seen" >>"$work/pairs"
            mv "$work/after" "$work/before"
        done
    done
done
[ -s "$work/pairs" ] || failed "nothing was timed"

# A kernel that the harness took in some of the rounds only is a line of its own.
awk -v within="$within" '
    function median(list, count, v, i, j, t) {
        split(list, v, " ")
        for (i = 2; i <= count; i++)
            for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
        return count % 2 ? v[(count + 1) / 2] : (v[count / 2] + v[count / 2 + 1]) / 2
    }
    {
        key = $1 " " $2 " " $3 " " $4
        if (!count[key]++) order[++keys] = key
        bench[key] = bench[key] " " $6
        witness[key] = witness[key] " " $7
        off[key] = off[key] " " 100 * ($7 / $6 - 1)
        if ($8 == "true") noise[key] = "~"
    }
    END {
        printf "%-12s %5s  %-5s %-28s %6s %12s %12s %11s\n", "scheme", "m", "cache", "kernel", "rounds", "bench us", "witness us",
            "difference"
        for (i = 1; i <= keys; i++) {
            key = order[i]
            split(key, name, " ")
            d = median(off[key], count[key])
            far += beyond = d > within || d < -within
            printf "%-12s %5s  %-5s %-28s %6d %12.2f %12.2f %+9.1f %%%s%s\n", name[1], name[2], name[3], name[4], count[key],
                median(bench[key], count[key]) / 1000, median(witness[key], count[key]) / 1000, d, noise[key],
                beyond ? " <- beyond " within " %" : ""
        }
        printf "%d of %d beyond %s %%   ~ noisy in one round at least\n", far, keys, within
        exit far > 0
    }' "$work/pairs"
