#include <nanobind/nanobind.h>
#include <omp.h>
#include <pthread.h>

#include "bindings.hpp"
#include "support/error.hpp"

namespace {

// A forked process has none of the threads that its parent has calculated with, and would wait for them.
void end_threads() { omp_pause_resource_all(omp_pause_hard); }

}  // namespace

NB_MODULE(_core, module) {
  module.doc() = "Bindings of Grapevine's C++ core; the modules of the package are its interface.";
  module.attr("version") = GRAPEVINE_VERSION;
  const nanobind::exception<grapevine::Error> error(module, "Error", PyExc_RuntimeError);
  pthread_atfork(end_threads, nullptr, nullptr);
  grapevine::python::bind_evaluation(module);
  grapevine::python::bind_files(module);
  grapevine::python::bind_training(module);
}
