# grapevine_library(name SOURCES ... LINKS ...): one static library per room, headers included as "room/file.hpp".
# The global property GRAPEVINE_ROOMS lists them for those that link to all (the unit tests).
function(grapevine_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(grapevine_${name} STATIC ${ARG_SOURCES})
  target_include_directories(grapevine_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(grapevine_${name} PUBLIC ${ARG_LINKS} PRIVATE grapevine_options)
  set_target_properties(grapevine_${name} PROPERTIES EXPORT_NAME ${name})
  add_library(grapevine::${name} ALIAS grapevine_${name})
  set_property(GLOBAL APPEND PROPERTY GRAPEVINE_ROOMS grapevine::${name})
endfunction()
