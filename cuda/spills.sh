#!/bin/sh
# What ptxas made of each kernel, for each target, and whether any of them spills registers to memory: then it
# fails.    spills.sh FOLDER [FILE_OF_THE_TABLE]      FOLDER: of the objects that kept_ptxas.sh wrote beside
set -eu
logs=$(find "$1" -name '*.ptxas' | sort)
[ -n "$logs" ] || { echo "no record of ptxas under $1"; exit 1; }
# shellcheck disable=SC2086 # a list of files
awk -v table="${2:-/dev/null}" '
    FNR == 1 { file = FILENAME; sub(/.*\//, "", file); sub(/\.o\.ptxas$/, "", file) }
    /Compiling entry function/ { split($0, q, "\047"); name = q[2]; target = q[4]; stack = spill = 0 }
    /bytes stack frame/ { stack = $1; spill = $5 + $9 }
    /Used [0-9]+ registers/ {
        for (i = 1; i <= NF; i++) if ($i == "Used") registers = $(i + 1)
        shared = 0
        for (i = 2; i <= NF; i++) if ($i == "bytes" && $(i + 1) ~ /^smem/) shared = $(i - 1)
        kernels++
        printf "%-18s %-7s %3d registers %6d shared %4d stack %4d spilled  %s\n", file, target, registers,
            shared, stack, spill, name > table
        if (spill) { spills++; printf "spills %d bytes: %s %s %s\n", spill, file, target, name }
        if (registers > most) { most = registers; where = file " " target " " name }
    }
    END {
        printf "%d kernels compiled, %d spill; most registers: %d, %s\n", kernels, spills, most, where
        exit !(kernels && !spills)
    }' $logs
