#!/bin/sh
# Runs every row of the devices that compile their kernels, at the sizes that pick other variants, so
# that compilers' time is spent once and not inside a test.   warm.sh TOOL
# What is wrong with a row is for the tests to say: this always ends well.
set -u
begin=$(date +%s)
for class in cpu gpu; do
    TARE_OPENCL_CLASS=$class "$1" bench -d opencl -n 64 -k 256 -m 1,4,8,64 --kernel all \
        --scheme f32,bf16,f16,w8a8,w8a16,w8a32,w4a8,w4a16,w4a32,w4a16-g64-z,2:4,2:4-i8,csr@0.5,bsr1x4@0.5,bsr4x4@0.5,bsr16x16@0.5,bitmap@0.5,bitmap-i8@0.5 \
        --cache hot --weights resident --time 0.001 --samples 6 >warm.txt 2>&1
    echo "kernels of class $class: exit $?, $(grep -c ' hot ' warm.txt) cells"
done
echo "warm after $(($(date +%s) - begin)) s"
