#!/bin/sh
# Installs into a folder of its own, moves it, builds the example there through CMake and through
# pkg-config, and runs both, the tool too.  install.sh BUILD SOURCE [C compiler flags]
set -eu
build=$1 source=$2 flags=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR='' cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
prefix=$work/moved
lib=$(dirname "$(find "$prefix" -name libtare.so)")
LD_LIBRARY_PATH=$lib
export LD_LIBRARY_PATH

# The build's own generator: a fresh machine has no make.
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")
cmake -S "$source/examples" -B "$work/cmake" -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$flags" >/dev/null
cmake --build "$work/cmake" >/dev/null
"$work/cmake/int8_matmul"

PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086 # lists of flags
${CC:-cc} -std=c11 -Wall -Wextra -Werror $flags "$source/examples/int8_matmul.c" \
    $(pkg-config --cflags --libs tare) -o "$work/by-pkg-config"
"$work/by-pkg-config"

"$prefix/bin/tare" lab quant-error >/dev/null
# Called by its bare name the tool still finds the folder of its modules.
mkdir -p "$prefix/lib/tare"
echo no library >"$prefix/lib/tare/tare-backend-none.so"
(PATH=$prefix/bin:$PATH && tare devices --quick) | grep -q '^not used: tare-backend-none.so' ||
    { echo "the installed tool did not look for its modules"; exit 1; }
for name in $(cd "$source/suites" && ls); do
    [ -f "$prefix/share/tare/suites/$name" ] || { echo "suite $name was not installed"; exit 1; }
done
echo "installed, moved, linked twice, ran"
