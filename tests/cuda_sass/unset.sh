#!/bin/sh
# What cuda/policies.sh says of a text in which each kernel reads a policy that is not set on some way to it.
set -eu
here=$(dirname "$0")
code=0
said=$("$here"/../../cuda/policies.sh --text "$here"/unset.sass) || code=$?
echo "$said"
[ "$code" = 1 ] || { echo "ended with $code, not with 1"; exit 1; }
for kernel in one_way half other_predicate before_it_is_set dropped; do
    echo "$said" | grep -q "^unset UR[19]: sm_90a $kernel " || { echo "nothing is said of $kernel"; exit 1; }
done
if "$here"/../../cuda/policies.sh --text /dev/null; then echo "nothing to look at passes"; exit 1; fi
