#!/bin/sh
# Whether each memory access of the compiled kernels goes by a descriptor that is set on every path to it: a register
# pair of the uniform file, which holds the cache policy of the access. Some ptxas leave one unset where a policy comes
# from `createpolicy` (an illegal instruction, or any policy, on the device). What they made is followed instruction by
# instruction, from a kernel's begin to each use, past what does not set the register; of predicates it is known on the
# way which one was false where an instruction that would have set it was skipped.
#
#   policies.sh FOLDER          of objects of nvcc (*.cu.o), read by cuobjdump: $CUOBJDUMP, or that of PATH
#   policies.sh --text FILE...  what cuobjdump -sass has written
#
# Ends with 1 where a descriptor is unset, or nothing was found to look at; with 77 where there is no cuobjdump.
set -eu

follow() {
    awk '
    function plain_number(hex) { sub(/^0+/, "", hex); return hex == "" ? "0" : hex }
    function base(op) { sub(/\..*/, "", op); return op }
    # The registers that an instruction sets: first operands, behind predicates.
    function note_sets(i, op, args,    part, n, p, u, wide, w) {
        if (base(op) ~ /^(BRA|BRX|JMP|JMX|BSSY|CALL|RET|EXIT)$/) return
        n = split(args, part, /, */)
        for (p = 1; p <= n && p <= 3; p++) {
            if (part[p] ~ /^U?P[0-9]+$/) { clears[i] = clears[i] " " part[p] " "; continue }
            if (part[p] ~ /^U?PT$/) continue
            if (p <= 2 && part[p] ~ /^UR[0-9]+$/ && !(i in sets)) {
                u = substr(part[p], 3) + 0
                wide = op ~ /\.128/ ? 4 : op ~ /\.64|WIDE/ ? 2 : 1
                for (w = 0; w < wide; w++) sets[i] = sets[i] " " (u + w) " "
                continue
            }
            if (part[p] !~ /^U?R([0-9]+|Z)$/) break
        }
    }
    function note(address, guard, op, args,    d) {
        n++
        at[plain_number(address)] = n
        where[n] = address; guards[n] = guard; ops[n] = op; operands[n] = args
        note_sets(n, op, args)
        d = args
        while (match(d, /desc\[UR[0-9]+\]/)) {
            uses[n] = substr(d, RSTART + 7, RLENGTH - 8) + 0
            d = substr(d, RSTART + RLENGTH)
        }
    }
    function target(i) {
        if (!match(operands[i], /0x[0-9a-f]+$/)) return 0
        return at[plain_number(substr(operands[i], RSTART + 2))] + 0
    }
    function push(i, known) {
        if (i < 1 || i > n || ((i, known) in been)) return
        been[i, known] = 1
        stack[++top] = i; knows[top] = known
    }
    function opposite(g) { return g ~ /^!/ ? substr(g, 2) : "!" g }
    # Where an instruction may go that is reached with `known`: a predicate that does not hold, or "".
    function go_on(i, known,    b, g, taken, j, plain) {
        b = base(ops[i]); g = guards[i]
        if (known != "" && index(clears[i], " " (known ~ /^!/ ? substr(known, 2) : known) " ")) known = ""
        taken = !(g == "!PT" || (g != "" && g == known))
        plain = g == "" || g == "PT" || (known != "" && g == opposite(known))
        if (b ~ /^(EXIT|RET)$/) { if (!plain) push(i + 1, known); return }
        if (b ~ /^(BRX|JMX)$/) { # through a table: to any begin that nothing falls into
            for (j = 2; taken && j <= n; j++)
                if (base(ops[j - 1]) ~ /^(BRA|BRX|JMP|JMX|EXIT|RET)$/) push(j, known)
            if (!plain) push(i + 1, known)
            return
        }
        if (b ~ /^(BRA|JMP)$/) {
            if (ops[i] != b || operands[i] ~ /^!?U?P[0-9T]/) { # by more than its predicate
                plain = 0
                g = ""
            }
            if (taken) push(target(i), known == "" && g != "" ? opposite(g) : known)
            if (!plain || !taken) push(i + 1, known == "" ? g : known)
            return
        }
        if (b == "CALL" && taken) push(target(i), known)
        push(i + 1, known)
    }
    # Reaches some use of the register from the begin without its being set?
    function search(u,    i, known, g) {
        split("", been); top = 0
        push(1, "")
        while (top > 0) {
            i = stack[top]; known = knows[top--]; g = guards[i]
            if (i in uses && (uses[i] == u || uses[i] + 1 == u) && g != "!PT" && !(g != "" && g == known)) {
                if (!((i, u) in told))
                    printf "unset UR%d: %s %s /*%s*/ %s%s %s\n", u, arch, name, where[i],
                        g == "" ? "" : "@" g " ", ops[i], operands[i]
                told[i, u] = 1
                return 1
            }
            if (index(sets[i], " " u " ")) {
                if (g == "" || g == "PT" || (known != "" && g == opposite(known))) continue
                known = g
            }
            go_on(i, known)
        }
        return 0
    }
    function finish(    i, u, wanted) {
        if (n == 0) return
        kernels++
        split("", wanted)
        for (i in uses) { accesses++; wanted[uses[i]] = wanted[uses[i] + 1] = 1 }
        for (i = 1; i <= n; i++) if (ops[i] ~ /^R2UR/) moved++
        for (u in wanted) unset += search(u + 0)
        n = 0
        split("", at); split("", where); split("", guards); split("", ops); split("", operands)
        split("", sets); split("", clears); split("", uses); split("", told)
    }
    /code for sm_/ { finish(); arch = $NF }
    /Function *:/ { finish(); name = $NF }
    /^[ \t]*\/\*[0-9a-f]+\*\/[ \t{]*[@A-Z]/ {
        line = $0
        sub(/^[ \t]*\/\*/, "", line)
        address = line; sub(/\*\/.*/, "", address)
        sub(/^[0-9a-f]+\*\/[ \t{]*/, "", line)
        sub(/;.*/, "", line)
        guard = ""
        if (line ~ /^@/) { guard = line; sub(/^@/, "", guard); sub(/[ \t].*/, "", guard); sub(/^[^ \t]+[ \t]+/, "", line) }
        op = line; sub(/[ \t].*/, "", op)
        args = line; if (!sub(/^[^ \t]+[ \t]+/, "", args)) args = ""
        sub(/[ \t]+$/, "", args)
        note(address, guard, op, args)
    }
    END {
        finish()
        printf "%d kernels, %d accesses by descriptors, %d moves into uniform registers; %d descriptors unset\n",
            kernels, accesses, moved, unset
        exit !(kernels && accesses && !unset)
    }' "$@"
}

if [ "${1:-}" = --text ]; then
    shift
    follow "$@"
    exit
fi
tool=${CUOBJDUMP:-cuobjdump}
command -v "$tool" >/dev/null || { echo "skipped: no cuobjdump here, what ptxas made is not looked at"; exit 77; }
objects=$(find "$1" -name '*.cu.o' | sort)
[ -n "$objects" ] || { echo "no objects of nvcc under $1"; exit 1; }
text=$(mktemp)
trap 'rm -f "$text"' EXIT
for o in $objects; do "$tool" -sass "$o" >>"$text"; done
follow "$text"
