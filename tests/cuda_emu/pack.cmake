# Packing, unpacking and pruning on the emulator. The first two in another order of the threads as well.
foreach(name test_cuda_pack test_cuda_prune test_cuda_pack_faults)
  add_executable(${name} ${root}/tests/${name}.c $<TARGET_OBJECTS:test_rows>)
  target_link_libraries(${name} PRIVATE tare_static ${criterion_lib})
  add_dependencies(${name} tare_cuda_emu)
  foreach(order forward reverse)
    set(test ${name})
    if(order STREQUAL reverse)
      set(test ${name}_reverse)
    endif()
    if(order STREQUAL forward OR NOT name STREQUAL test_cuda_pack_faults)
      add_test(NAME ${test} COMMAND ${name})
      set_tests_properties(${test} PROPERTIES ENVIRONMENT
        "OMP_WAIT_POLICY=passive;TARE_BACKEND_DIR=${PROJECT_BINARY_DIR}/cuda_emu;TARE_CUDA_LIBRARIES=${PROJECT_BINARY_DIR}/cuda_emu/libraries;TARE_EMU_ORDER=${order}")
    endif()
  endforeach()
endforeach()

# Decoding to 16 bits is no public call: the backend's objects are linked in.
add_executable(test_cuda_unpack ${root}/tests/test_cuda_unpack.c $<TARGET_OBJECTS:test_rows> $<TARGET_OBJECTS:cuda_emu_host>
  $<TARGET_OBJECTS:cuda_emu_kernels> $<TARGET_OBJECTS:cuda_emu_fibers> $<TARGET_OBJECTS:cuda_emu_runtime>)
target_include_directories(test_cuda_unpack SYSTEM PRIVATE ${cuda_headers})
target_link_libraries(test_cuda_unpack PRIVATE tare_static ${criterion_lib})
set_target_properties(test_cuda_unpack PROPERTIES LINKER_LANGUAGE CXX)
add_test(NAME test_cuda_unpack COMMAND test_cuda_unpack)
