# The family of the processor that the code is for, as the compiler says: a cross compiler's target
# counts, not the machine at hand. TARE_PROCESSOR: x86 (x86-64), else portable.
include(CheckCSourceCompiles)
check_c_source_compiles("#if !defined(__x86_64__)\n#error other\n#endif\nint main(void) { return 0; }"
  TARE_TARGET_IS_X86)
if(TARE_TARGET_IS_X86)
  set(TARE_PROCESSOR x86)
else()
  set(TARE_PROCESSOR portable)
endif()

# Leaves out of a list of files those for other families: NAME_x86.c, NAME_portable.c.
function(tare_keep_processor list)
  set(files ${${list}})
  foreach(other x86 portable)
    if(NOT other STREQUAL TARE_PROCESSOR)
      list(FILTER files EXCLUDE REGEX "_${other}\\.c$")
    endif()
  endforeach()
  set(${list} ${files} PARENT_SCOPE)
endfunction()
