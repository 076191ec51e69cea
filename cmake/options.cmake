# Flags shared by every target, as one interface library.
add_library(tare_flags INTERFACE)
target_compile_definitions(tare_flags INTERFACE _GNU_SOURCE)
target_include_directories(tare_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> ${PROJECT_SOURCE_DIR})
# No contraction: the quantisation of x is defined to the bit (tare.h), and rows must agree on it.
target_compile_options(tare_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
  -ffp-contract=off -fno-math-errno)
if(TARE_WERROR)
  target_compile_options(tare_flags INTERFACE -Werror)
endif()
if(TARE_SANITIZE)
  target_compile_options(tare_flags INTERFACE -fsanitize=${TARE_SANITIZE} -fno-omit-frame-pointer -g
    -fno-sanitize-recover=all)
  target_link_options(tare_flags INTERFACE -fsanitize=${TARE_SANITIZE})
  if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    # Kernels are large functions: following their variables for a debugger takes gcc minutes.
    target_compile_options(tare_flags INTERFACE -fno-var-tracking)
  endif()
endif()
if(TARE_FUZZ)
  target_compile_options(tare_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_package(Threads REQUIRED)
target_link_libraries(tare_flags INTERFACE Threads::Threads m ${CMAKE_DL_LIBS})
