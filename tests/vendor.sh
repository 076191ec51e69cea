#!/bin/sh
# The rows of a library in another build than the system's: right, and under other grants of threads.
#   vendor.sh onednn-3|openblas-serial|openblas-pthread FOLDER CHECKROWS TEST_VENDOR_THREADS
# FOLDER/BUILD/*.so.* is what `./run test` fetched; 77 where it is not there.
set -eu
build=$1 folder=$2 checkrows=$3 threads=$4
library=${build%%-*}
case $library in
onednn) variable=TARE_ONEDNN file=$folder/$build/libdnnl.so.3 ;;
*) variable=TARE_OPENBLAS file=$folder/$build/libopenblas.so.0 ;;
esac
[ -f "$file" ] || { echo "skipped: no $build in $folder (./run test fetches it)"; exit 77; }
export "$variable=$file"
"$checkrows" small cpu "_$library" | tee "checkrows-$build.txt"
! grep -q skipped "checkrows-$build.txt"
"$threads"
OMP_THREAD_LIMIT=1 "$threads"
