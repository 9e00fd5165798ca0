#include <nanobind/nanobind.h>

#include "bindings.hpp"
#include "support/error.hpp"

NB_MODULE(_core, module) {
  module.doc() = "Bindings of Grapevine's C++ core; the modules of the package are its interface.";
  module.attr("version") = GRAPEVINE_VERSION;
  const nanobind::exception<grapevine::Error> error(module, "Error", PyExc_RuntimeError);
  grapevine::python::bind_evaluation(module);
  grapevine::python::bind_files(module);
  grapevine::python::bind_training(module);
}
