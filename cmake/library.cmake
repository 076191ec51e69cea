# Three ways to link the same objects: libtare.so (public symbols only), the tool, and the tests
# (tare_static shows the internals to them).
add_library(tare SHARED $<TARGET_OBJECTS:tare_src> $<TARGET_OBJECTS:tare_cpu>)
target_link_libraries(tare PRIVATE tare_flags)
target_include_directories(tare INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(tare PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)

add_library(tare_static STATIC EXCLUDE_FROM_ALL
  $<TARGET_OBJECTS:tare_src> $<TARGET_OBJECTS:tare_cpu> $<TARGET_OBJECTS:tare_bench>
  $<TARGET_OBJECTS:tare_work>)
target_link_libraries(tare_static PUBLIC tare_flags ${TARE_BENCH_LIBS})

add_executable(tare_cli $<TARGET_OBJECTS:tare_src> $<TARGET_OBJECTS:tare_cpu>
  $<TARGET_OBJECTS:tare_bench> $<TARGET_OBJECTS:tare_work> $<TARGET_OBJECTS:tare_cli_objects>)
set_target_properties(tare_cli PROPERTIES OUTPUT_NAME tare
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
target_link_libraries(tare_cli PRIVATE tare_flags ${TARE_BENCH_LIBS})
