# The installed tree stands alone: bin/grapevine, lib/grapevineplugin.so and the vesin library beside it, found
# relative to the program, so that neither the checkout nor its .venv is needed to run it. `lib` and not
# CMAKE_INSTALL_LIBDIR, because `grapevine lammps` looks for the plugin there.
set(relative_to_program "$ORIGIN/../lib")
set_target_properties(grapevine_cli PROPERTIES INSTALL_RPATH "${relative_to_program}")
install(TARGETS grapevine_cli RUNTIME DESTINATION bin COMPONENT program)
install(IMPORTED_RUNTIME_ARTIFACTS vesin::vesin LIBRARY DESTINATION lib COMPONENT program)
if(TARGET grapevineplugin)
  set_target_properties(grapevineplugin grapevinepair PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS grapevineplugin grapevinepair LIBRARY DESTINATION lib COMPONENT program)
endif()

install(DIRECTORY models/ DESTINATION share/grapevine/models COMPONENT program FILES_MATCHING PATTERN *.safetensors PATTERN *.md)
install(FILES bench/mace_torch.py bench/reann_torch.py DESTINATION share/grapevine/bench COMPONENT program)
install(DIRECTORY examples/ DESTINATION share/grapevine/examples COMPONENT documentation PATTERN __pycache__ EXCLUDE)
install(DIRECTORY docs/ DESTINATION share/doc/grapevine COMPONENT documentation)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION share/doc/grapevine COMPONENT documentation)
install(FILES lammps/LICENSE DESTINATION share/doc/grapevine/lammps COMPONENT documentation)
