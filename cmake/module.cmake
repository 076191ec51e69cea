# A backend as a module library: tare_NAME, tare-backend-NAME.so. It carries the formats and helpers
# of the library that packing needs, with nothing of them exported.
function(tare_backend_module name table objects)
  file(GLOB shared ${PROJECT_SOURCE_DIR}/src/format/*.c)
  list(APPEND shared ${PROJECT_SOURCE_DIR}/src/type.c ${PROJECT_SOURCE_DIR}/src/memory.c
    ${PROJECT_SOURCE_DIR}/src/arena.c ${PROJECT_SOURCE_DIR}/src/cache.c
    ${PROJECT_SOURCE_DIR}/src/problem.c ${PROJECT_SOURCE_DIR}/src/shares.c ${PROJECT_SOURCE_DIR}/src/takes.c)
  add_library(tare_${name} MODULE ${PROJECT_SOURCE_DIR}/src/module/entry.c ${shared}
    $<TARGET_OBJECTS:${objects}>)
  target_compile_definitions(tare_${name} PRIVATE TARE_API= TARE_MODULE_BACKEND=${table})
  target_link_libraries(tare_${name} PRIVATE tare_flags)
  set_target_properties(tare_${name} PROPERTIES PREFIX "" OUTPUT_NAME tare-backend-${name}
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/backends)
  install(TARGETS tare_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/tare)
endfunction()
