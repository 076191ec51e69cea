# NAME_avx2.c is compiled for AVX2, NAME_avx512.c for AVX-512, and so on: the suffix is the contract,
# and the row's `needs` names the same features. Nothing else may use them. For a processor of another
# family these files are no part of the build.
set(tare_isas_x86 avx2 avx512 vnni bf16 vbmi2 clflushopt)
set(tare_isas_portable "")

# Takes out of a list of files what is not for this family.
function(tare_isa_keep list)
  tare_keep_processor(${list})
  set(files ${${list}})
  foreach(isa ${tare_isas_x86})
    if(NOT isa IN_LIST tare_isas_${TARE_PROCESSOR})
      list(FILTER files EXCLUDE REGEX "_${isa}\\.c$")
    endif()
  endforeach()
  set(${list} ${files} PARENT_SCOPE)
endfunction()

function(tare_isa_flags)
  set(avx2 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mpopcnt)
  set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl)
  set(vnni ${avx512} -mavx512vnni)
  set(bf16 ${avx512} -mavx512bf16)
  set(clflushopt -mclflushopt) # a probe's, not a row's
  set(vbmi2 ${vnni} -mavx512vbmi -mavx512vbmi2)
  foreach(file ${ARGN})
    foreach(isa ${tare_isas_${TARE_PROCESSOR}})
      if(file MATCHES "_${isa}\\.c$")
        set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${${isa}}")
      endif()
    endforeach()
  endforeach()
endfunction()
