#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "engine/model.hpp"
#include "formats/text/extxyz.hpp"
#include "support/error.hpp"

namespace grapevine {

enum class Precision { double_precision, mixed };

/// What a potential says of one structure.
struct FrameResult {
  double energy = 0;               ///< eV
  std::vector<double> energies;    ///< [atoms] eV
  std::vector<double> forces;      ///< [atoms][3] eV/Angstrom
  std::array<double, 9> virial{};  ///< eV, row-major; minus the derivative of the energy by symmetric strain
  std::vector<double> virials;     ///< [atoms][9] eV, shares of the atoms, which add up to `virial`; if asked for
};

/// A potential's energy or forces are infinite or not a number. It names the first such atom, counted from 1.
class NotFiniteError : public Error {
 public:
  using Error::Error;
};

/// What an evaluation is to give besides energies and forces.
struct Wanted {
  bool virial = true;
  bool virials = false;  ///< only with `virial`
};

/// Evaluates structures one after another with one potential; keeps its buffers between calls. One per thread.
class FrameEvaluator {
 public:
  /// Up to `threads` threads are used inside one structure, fewer if it is small. A `skin` in Angstrom makes neighbour
  /// lists last over structures that follow from each other by small steps, as in dynamics.
  FrameEvaluator(const Potential& potential, Precision precision, int threads, double skin = 0);
  ~FrameEvaluator();

  /// Throws Error if an atom's element is not in the model or two atoms are on top of each other, NotFiniteError if a
  /// number of the result is not finite.
  FrameResult evaluate(const Frame& frame, Wanted wanted = {});

  std::size_t neighbour_searches() const;  ///< so far

 private:
  class Implementation;
  template <class Real>
  class ImplementationIn;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace grapevine
