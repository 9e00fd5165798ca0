# The vesin wheel has a library and one header but no CMake package of its own.
find_path(vesin_INCLUDE_DIR vesin.h)
find_library(vesin_LIBRARY vesin)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(vesin REQUIRED_VARS vesin_LIBRARY vesin_INCLUDE_DIR)
if(vesin_FOUND AND NOT TARGET vesin::vesin)
  add_library(vesin::vesin SHARED IMPORTED)
  set_target_properties(vesin::vesin PROPERTIES IMPORTED_LOCATION ${vesin_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${vesin_INCLUDE_DIR}
                        INTERFACE_COMPILE_DEFINITIONS VESIN_SHARED)
endif()
mark_as_advanced(vesin_INCLUDE_DIR vesin_LIBRARY)
