#include <fmt/format.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "committee/deviation.hpp"
#include "models/registry.hpp"
#include "structures/evaluate_batch.hpp"
#include "structures/frame_heat_flux.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"
#include "threads/interruption.hpp"
#include "threads/thread_count.hpp"

namespace grapevine::python {
namespace {

Precision parse_precision(const std::string& name) {
  if (name == "double") return Precision::double_precision;
  if (name == "mixed") return Precision::mixed;
  throw Error(fmt::format("precision '{}' is neither double nor mixed", name));
}

/// For work without the interpreter's lock: lets Python handle signals, and passes on what a handler raises.
void check_signals() {
  const nb::gil_scoped_acquire acquired;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

/// Holds no lock of the interpreter while it works; calls from several threads wait for each other. In a forked process
/// it begins anew: at the moment of the fork another thread may have been at work in it.
class LockedEvaluator {
 public:
  LockedEvaluator(std::shared_ptr<const Potential> potential, const std::string& precision, int threads, double skin)
      : potential_(std::move(potential)),
        precision_(parse_precision(precision)),
        threads_(thread_count(threads)),
        skin_(skin),
        state_(make_state()) {}
  ~LockedEvaluator() { leave_parents_state(); }
  LockedEvaluator(const LockedEvaluator&) = delete;
  LockedEvaluator& operator=(const LockedEvaluator&) = delete;

  nb::dict evaluate(const Numbers& numbers, const Positions& positions, const Cell& cell, const Periodic& periodic,
                    bool virial, bool virials) {
    State& state = own_state();
    const Wanted wanted{virial || virials, virials};
    Frame frame;
    FrameResult result;
    {
      const nb::gil_scoped_release released;
      const std::lock_guard lock(state.mutex);
      const Interruptible interruptible(check_signals);
      frame = make_frame(numbers, positions, cell, periodic);
      result = state.evaluator.evaluate(frame, wanted);
    }
    return to_dict(frame, std::move(result), wanted);
  }

  std::size_t neighbour_searches() {
    State& state = own_state();
    const nb::gil_scoped_release released;
    const std::lock_guard lock(state.mutex);
    return state.evaluator.neighbour_searches();
  }

 private:
  struct State {
    State(const Potential& potential, Precision precision, int threads, double skin)
        : evaluator(potential, precision, threads, skin) {}

    FrameEvaluator evaluator;
    std::mutex mutex = {};
    pid_t process = getpid();
  };

  std::unique_ptr<State> make_state() const {
    return std::make_unique<State>(*potential_, precision_, threads_, skin_);
  }

  /// To be called with the interpreter's lock.
  State& own_state() {
    leave_parents_state();
    if (!state_) state_ = make_state();
    return *state_;
  }

  /// What another thread may have been changing when the process was forked can neither be used nor freed.
  void leave_parents_state() {
    if (state_ && state_->process != getpid()) static_cast<void>(state_.release());
  }

  std::shared_ptr<const Potential> potential_;
  Precision precision_;
  int threads_;
  double skin_;
  std::unique_ptr<State> state_;
};

/// As many frames from `first` on as suit one call.
std::span<const Frame> next_batch(const BatchEvaluator& evaluator, const std::vector<Frame>& frames,
                                  std::size_t first) {
  std::size_t last = first;
  for (std::size_t atoms = 0; last < frames.size() && !evaluator.is_batch(last - first, atoms); ++last)
    atoms += frames[last].symbols.size();
  return std::span(frames).subspan(first, last - first);
}

template <class Function>
auto naming_structure(std::size_t index, Function function) {
  return with_context(fmt::format("structure {} (index {})", index + 1, index), function);
}

FrameResult take(BatchEvaluator::Item& item) {
  if (item.problem) std::rethrow_exception(item.problem);
  return std::move(item.result);
}

nb::list evaluate_batch(const std::shared_ptr<Potential>& potential, const std::vector<nb::tuple>& structures,
                        const std::string& precision, int threads) {
  std::vector<Frame> frames;
  frames.reserve(structures.size());
  for (const nb::tuple& s : structures)
    frames.push_back(naming_structure(frames.size(), [&] {
      return make_frame(nb::cast<Numbers>(s[0]), nb::cast<Positions>(s[1]), nb::cast<Cell>(s[2]),
                        nb::cast<Periodic>(s[3]));
    }));
  BatchEvaluator evaluator(potential, parse_precision(precision), thread_count(threads));
  nb::list results;
  for (std::size_t done = 0; done < frames.size();) {
    std::vector<BatchEvaluator::Item> items;
    {
      const nb::gil_scoped_release released;
      const Interruptible interruptible(check_signals);
      items = evaluator.evaluate(next_batch(evaluator, frames, done));
    }
    for (BatchEvaluator::Item& item : items) {
      FrameResult result = naming_structure(done, [&] { return take(item); });
      results.append(to_dict(frames[done++], std::move(result), Wanted{}));
    }
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }
  return results;
}

/// Potential and convective part [3] each, and the power, of the mean of the potentials.
nb::tuple heat_flux(const std::vector<std::shared_ptr<Potential>>& potentials, const Numbers& numbers,
                    const Positions& positions, const Cell& cell, const Periodic& periodic, const Positions& velocities,
                    const Masses& masses, bool reference, const std::string& precision, int threads) {
  const HeatFluxOptions options{parse_precision(precision), thread_count(threads), reference};
  const double weight = 1.0 / static_cast<double>(potentials.size());
  HeatFlux mean;
  {
    const nb::gil_scoped_release released;
    const Interruptible interruptible(check_signals);
    const Frame frame = make_frame(numbers, positions, cell, periodic);
    const Motion motion{{velocities.data(), velocities.size()}, {masses.data(), masses.size()}};
    for (const std::shared_ptr<Potential>& potential : potentials) {
      const HeatFlux flux = frame_heat_flux(*potential, frame, motion, options);
      mean.power += weight * flux.power;
      for (std::size_t a = 0; a < 3; ++a) {
        mean.potential[a] += weight * flux.potential[a];
        mean.convective[a] += weight * flux.convective[a];
      }
    }
  }
  return nb::make_tuple(to_array({mean.potential.begin(), mean.potential.end()}, {3}),
                        to_array({mean.convective.begin(), mean.convective.end()}, {3}), mean.power);
}

nb::ndarray<nb::numpy, double> force_deviation(const std::vector<Positions>& forces) {
  const std::size_t atoms = forces.empty() ? 0 : forces.front().shape(0);
  ForceDeviation deviation;
  deviation.start(atoms);
  for (const Positions& of_model : forces) {
    if (of_model.shape(0) != atoms) throw Error("forces of models for different numbers of atoms");
    deviation.add({of_model.data(), 3 * atoms});
  }
  const std::span<const double> sigma = deviation.finish(1);
  return to_array({sigma.begin(), sigma.end()}, {atoms});
}

/// Potential, architecture, and SHA-256 of the file.
nb::tuple load(const std::string& path) {
  LoadedModel model;
  {
    const nb::gil_scoped_release released;
    model = load_model(path);
  }
  // nanobind keeps shared pointers to what is not const.
  return nb::make_tuple(std::const_pointer_cast<Potential>(model.potential), model.architecture, model.sha256);
}

}  // namespace

void bind_evaluation(nb::module_& module) {
  nb::class_<Potential>(module, "Potential")
      .def_prop_ro("species", [](const Potential& p) { return p.species(); })
      .def_prop_ro("cutoff", &Potential::cutoff)
      .def_prop_ro("layers", &Potential::layers)
      .def_prop_ro("parameters", &Potential::parameter_count);
  module.def("load", &load, nb::arg("path"));
  nb::class_<LockedEvaluator>(module, "Evaluator")
      .def(nb::init<std::shared_ptr<Potential>, const std::string&, int, double>(), nb::arg("potential"),
           nb::arg("precision"), nb::arg("threads"), nb::arg("skin"))
      .def("evaluate", &LockedEvaluator::evaluate, nb::arg("numbers"), nb::arg("positions"), nb::arg("cell"),
           nb::arg("pbc"), nb::arg("virial") = true, nb::arg("virials") = false)
      .def_prop_ro("neighbour_searches", &LockedEvaluator::neighbour_searches);
  module.def("evaluate_batch", &evaluate_batch, nb::arg("potential"), nb::arg("structures"), nb::arg("precision"),
             nb::arg("threads"));
  module.def("heat_flux", &heat_flux, nb::arg("potentials"), nb::arg("numbers"), nb::arg("positions"), nb::arg("cell"),
             nb::arg("pbc"), nb::arg("velocities"), nb::arg("masses"), nb::arg("reference"), nb::arg("precision"),
             nb::arg("threads"));
  module.def("force_deviation", &force_deviation, nb::arg("forces"));
  module.def(
      "standard_deviation", [](const std::vector<double>& values) { return standard_deviation(values); },
      nb::arg("values"));
}

}  // namespace grapevine::python
