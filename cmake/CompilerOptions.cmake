# Options every Grapevine target is compiled with; no -march, so that what is built here runs elsewhere.
add_library(grapevine_options INTERFACE)
set_target_properties(grapevine_options PROPERTIES EXPORT_NAME options)
target_compile_options(grapevine_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                       -Woverloaded-virtual -Wconversion -Wno-sign-conversion -fno-math-errno -fno-trapping-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 warns of overlapping copies in std::string where there are none (its bug 105651). clang-tidy reads the same
  # options and does not know that one.
  target_compile_options(grapevine_options INTERFACE -Wno-restrict -Wno-unknown-warning-option)
endif()
if(GRAPEVINE_WARNINGS_AS_ERRORS)
  target_compile_options(grapevine_options INTERFACE -Werror)
endif()
if(GRAPEVINE_SANITIZE)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "GRAPEVINE_SANITIZE needs clang++: -DCMAKE_CXX_COMPILER=clang++-14")
  endif()
  target_compile_options(grapevine_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(grapevine_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  set(grapevine_addresses_only -fno-sanitize=undefined,fuzzer-no-link -mllvm -asan-stack=0)
endif()
# For what would take too long to compile with all of them: of the checks of sanitizers only those of the heap. Options of
# libraries that are linked to later come later.
add_library(grapevine_addresses_only INTERFACE)
target_compile_options(grapevine_addresses_only INTERFACE ${grapevine_addresses_only})
