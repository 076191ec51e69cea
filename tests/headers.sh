#!/bin/sh
# The public headers compile alone, as strict C11 and as C++.   headers.sh SOURCE
set -eu
for header in tare backend bits; do
    printf "#include <tare/%s.h>\ntypedef int not_empty;\n" $header | ${CC:-cc} -std=c11 -pedantic -Wall -Wextra -Werror -I"$1/include" -fsyntax-only -x c -
    printf "#include <tare/%s.h>\ntypedef int not_empty;\n" $header | ${CXX:-c++} -std=c++11 -pedantic -Wall -Wextra -Werror -I"$1/include" -fsyntax-only -x c++ -
done
