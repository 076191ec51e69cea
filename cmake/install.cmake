# Install: library, headers, tool, suites; a CMake package and a pkg-config file.
include(CMakePackageConfigHelpers)
install(TARGETS tare EXPORT tareTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS tare_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/tare DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY suites/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tare/suites FILES_MATCHING PATTERN "*.txt")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tare)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tare)
install(EXPORT tareTargets NAMESPACE tare:: DESTINATION ${package_dir})
# A shared library without public dependencies: the exported targets are the whole package.
file(WRITE ${PROJECT_BINARY_DIR}/tareConfig.cmake
  "include(\"\${CMAKE_CURRENT_LIST_DIR}/tareTargets.cmake\")\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tareConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tareConfig.cmake ${PROJECT_BINARY_DIR}/tareConfigVersion.cmake
  DESTINATION ${package_dir})

# From the folder of tare.pc back to the prefix, so that an installed tree can be moved.
file(RELATIVE_PATH TARE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/tare.pc.in ${PROJECT_BINARY_DIR}/tare.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tare.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
