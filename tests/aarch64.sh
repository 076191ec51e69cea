#!/bin/sh
# Builds for 64-bit Arm and runs that build under qemu: portable rows, formats, masks, plans, the
# tool.   aarch64.sh [BUILD]   (default: build-aarch64; on Debian 12 with a network)
#
# The Arm libraries lie in BUILD/sysroot, unpacked from packages that apt fetches by lists of its own
# there: this machine gets no foreign architecture, and no root is needed. Emulated means: the
# compiler's code for Arm gives right answers; how fast it is, qemu can't tell.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "${1:-build-aarch64}"
build=$(cd "${1:-build-aarch64}" && pwd) sysroot=$build/sysroot

# Libraries of the build, and of Criterion the headers.
packages='libc6-dev libjansson-dev zlib1g-dev'
headers='libcriterion-dev'

fetch() {
    apt=$build/apt
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    set -- -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$apt/state" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o Debug::NoLocking=1 \
        -o APT::Sandbox::User=root
    apt-get "$@" update
    # shellcheck disable=SC2086 # lists of names
    apt-get "$@" install -y --no-install-recommends --download-only $packages >/dev/null
    # shellcheck disable=SC2086
    (cd "$apt/cache/archives" && apt-get "$@" download $headers >/dev/null)
}

# Links that name files of the Arm system from its root would name this machine's.
unpack() {
    rm -rf "$sysroot.part"
    mkdir "$sysroot.part"
    for deb in "$build"/apt/cache/archives/*.deb; do dpkg-deb -x "$deb" "$sysroot.part"; done
    find "$sysroot.part" -type l -lname '/*' | while read -r link; do
        target=$(realpath -m --relative-to="$(dirname "$link")" "$sysroot.part$(readlink "$link")")
        ln -sfn "$target" "$link"
    done
    mv "$sysroot.part" "$sysroot"
    rm -rf "$build/apt"
}

[ -d "$sysroot" ] || { fetch && unpack; }
cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/aarch64.cmake" \
    -DCMAKE_SYSROOT="$sysroot" -DCMAKE_BUILD_TYPE=Release -DTARE_TESTS=ON -DTARE_WERROR=ON \
    -DTARE_OPENCL=OFF -DTARE_CUDA=OFF >/dev/null
cmake --build "$build" -- --quiet
cd "$build"
# The first 64-bit Arm: what it runs, all run.
core=cortex-a53
qemu="qemu-aarch64 -cpu $core -L $sysroot"

# The tool, as a user meets it.
tare=tests/tare.sh
$tare devices -d cpu --quick | head -3
$tare explain --scheme w4a16-g64 -n 128 -k 256 -m 8 -d cpu | grep -q 'matmul_w4_c' ||
    { echo "explain does not name the portable row"; exit 1; }
$tare bench -n 64 -k 128 -m 1,8 --scheme f32,w8a8,w4a16-g64,csr@0.9,2:4 -d cpu --cache hot --time 0.01 \
    --samples 6 -o jsonl --out bench.jsonl >/dev/null
echo "tare bench: $(wc -l <bench.jsonl) records, no wrong result"

# Every row on small awkward shapes; then a share of checkall, and the tests of what depends on the
# processor: bytes, rounding, conversions, masks, threads.
$qemu tests/checkrows small cpu >checkrows.log || { cat checkrows.log; exit 1; }
tail -1 checkrows.log
if TARE_CHECKALL_DEVICES=none $qemu tests/test_checkall --filter '*/has_rows' >checkall.log 2>&1; then
    echo "a test that must fail passes: nothing below would mean anything"
    exit 1
fi
TARE_CHECKALL_SHARE=${TARE_AARCH64_SHARE:-40} $qemu tests/test_checkall --filter 'checkall/[eh]*' \
    >checkall.log 2>&1 || { cat checkall.log; exit 1; }
# Without the long measurements of cli: they are about the tool, not the processor.
TARE_CLI_QUICK=1 ctest -j "$(nproc)" --timeout 900 --output-on-failure \
    -R '^(cli|fuzz_corpus_.*|test_(api|bytes|cli_bench|compress|cost|f8_codes|format|format_bits|idx|machine|mask|model|modules|peaks|properties|prune_values|refusal|route|scheme|settle|threads|train|type|verdict|workload|xquant))$' \
    >ctest.log || { cat ctest.log; exit 1; }
grep 'tests passed' ctest.log
grep 'checkall on' checkall.log
echo "aarch64: built by gcc $(aarch64-linux-gnu-gcc -dumpfullversion), run as $core by $($qemu --version | head -1): all passed (emulated: speed says nothing)"
