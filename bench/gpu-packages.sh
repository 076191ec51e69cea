#!/bin/sh
# Fetches what bench/on-gpu.sh needs beside nvcc, CMake and ninja, for a machine without a network: Debian's
# packages for x86-64, not installed here.          gpu-packages.sh FOLDER          on Debian 12 with a network
set -eu
mkdir -p "${1:?a folder}"
cd "$1"
# jansson and zlib are the tool's; the OpenCL headers and loader let its OpenCL backend be built. The vendor
# libraries of the CPU backend are left out: that device is measured elsewhere.
apt-get download libjansson4 libjansson-dev zlib1g zlib1g-dev opencl-c-headers opencl-headers \
    ocl-icd-libopencl1 ocl-icd-opencl-dev
ls -l ./*.deb
