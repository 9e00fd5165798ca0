#include <nanobind/nanobind.h>

#include <exception>

#include "bindings.hpp"
#include "support/error.hpp"
#include "support/one_line.hpp"

namespace {

/// The text of an Error may quote a file of any origin, and Python prints it as it is.
void translate(const std::exception_ptr& problem, void* type) {
  try {
    std::rethrow_exception(problem);
  } catch (const grapevine::Error& error) {
    PyErr_SetString(static_cast<PyObject*>(type), grapevine::one_line(error.what()).c_str());
  }
}

}  // namespace

NB_MODULE(_core, module) {
  module.doc() = "Bindings of Grapevine's C++ core; the modules of the package are its interface.";
  module.attr("version") = GRAPEVINE_VERSION;
  const nanobind::exception<grapevine::Error> error(module, "Error", PyExc_RuntimeError);
  nanobind::register_exception_translator(translate, error.ptr());
  grapevine::python::bind_evaluation(module);
  grapevine::python::bind_files(module);
  grapevine::python::bind_training(module);
}
