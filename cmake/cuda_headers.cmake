# tare_cuda_library_headers(OUT TOOLKIT): folders of the headers of cuBLASLt and cuSPARSE, in OUT; empty, and said
# why, where one is missing. Toolkits come without them as well; then they are looked for in TARE_CUDA_HEADERS (a
# list of folders: Python packages of the libraries bring theirs), CPATH and C_INCLUDE_PATH. Folders other than the
# toolkit's are to be searched last (tare_cuda_headers_last): they may hold a runtime of another version.
set(TARE_CUDA_HEADERS "" CACHE STRING "folders of cublasLt.h and cusparse.h where the toolkit lacks them")

function(tare_cuda_library_headers out toolkit)
  set(folders)
  foreach(name cublasLt cusparse)
    find_path(tare_${name}_h ${name}.h HINTS ${toolkit} PATHS ${TARE_CUDA_HEADERS} ENV CPATH ENV C_INCLUDE_PATH)
    if(NOT tare_${name}_h)
      message(STATUS "${name}.h was not found: not with the toolkit (${toolkit}), nor in TARE_CUDA_HEADERS or CPATH")
      set(${out} "" PARENT_SCOPE)
      return()
    endif()
    list(APPEND folders ${tare_${name}_h})
  endforeach()
  # Scales by row of f8 products.
  file(STRINGS ${tare_cublasLt_h}/cublasLt.h known REGEX MATRIX_SCALE_OUTER_VEC_32F)
  if(NOT known)
    message(STATUS "${tare_cublasLt_h}/cublasLt.h is older than that of CUDA 12.9")
    set(folders)
  endif()
  list(REMOVE_DUPLICATES folders)
  set(${out} "${folders}" PARENT_SCOPE)
endfunction()

function(tare_cuda_headers_last target toolkit folders)
  list(REMOVE_ITEM folders ${toolkit})
  foreach(folder ${folders})
    target_compile_options(${target} PRIVATE "SHELL:-idirafter ${folder}")
  endforeach()
endfunction()
