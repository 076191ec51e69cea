#!/bin/sh
# Runs the CUDA compiler (a launcher of CMake's) and keeps what ptxas says of registers and spills beside the
# object, OBJECT.ptxas, for cuda/spills.sh. What else the compiler says goes through.
out= last=
for arg; do
    [ "$last" != -o ] || out=$arg
    last=$arg
done
[ -n "$out" ] && [ "$out" != "${out%.o}" ] || exec "$@"
"$@" -Xptxas -v 2>"$out.ptxas"
code=$?
grep -v -e '^ptxas info' -e '^ *[0-9]* bytes stack frame' "$out.ptxas" >&2
exit $code
