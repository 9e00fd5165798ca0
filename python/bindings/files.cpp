#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <nlohmann/json.hpp>
#include <string>

#include "bindings.hpp"
#include "importers/import_model.hpp"
#include "models/information.hpp"

namespace grapevine::python {

namespace nb = nanobind;

namespace {

nb::dict import_file(const std::string& source, const std::string& output, const std::string& para,
                     const std::string& activation, const std::string& message_activation,
                     const std::string& gaussian_sign, const std::string& modality, const std::string& species,
                     const std::string& head, const std::string& note) {
  ImportSummary summary;
  {
    const nb::gil_scoped_release released;
    summary = import_model(
        {source, output, para, activation, message_activation, gaussian_sign, modality, species, head, note});
  }
  nb::dict dict;
  dict["kind"] = summary.kind;
  dict["notes"] = summary.notes;
  dict["summary"] = summary.text;
  return dict;
}

}  // namespace

void bind_files(nb::module_& module) {
  module.def(
      "information",
      [](const std::string& path) {
        return model_information(path).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
      },
      nb::arg("path"));
  module.def("import_model", &import_file, nb::arg("source"), nb::arg("output"), nb::arg("para"), nb::arg("activation"),
             nb::arg("message_activation"), nb::arg("gaussian_sign"), nb::arg("modality"), nb::arg("species"),
             nb::arg("head"), nb::arg("note"));
}

}  // namespace grapevine::python
