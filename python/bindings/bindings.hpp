#pragma once

#include <nanobind/nanobind.h>

namespace grapevine::python {

void bind_evaluation(nanobind::module_& module);
void bind_files(nanobind::module_& module);
void bind_training(nanobind::module_& module);

}  // namespace grapevine::python
