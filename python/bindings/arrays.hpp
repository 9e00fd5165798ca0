#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "structures/evaluate_frame.hpp"

namespace grapevine::python {

namespace nb = nanobind;

using Numbers = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Positions = nb::ndarray<const double, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Masses = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Cell = nb::ndarray<const double, nb::shape<3, 3>, nb::c_contig, nb::device::cpu>;
using Periodic = nb::ndarray<const bool, nb::shape<3>, nb::c_contig, nb::device::cpu>;

/// A structure as ASE has it: `numbers` [atoms] atomic numbers, `positions` [atoms][3] and `cell` in Angstrom. Throws
/// Error for a number that is no element and for arrays of different lengths.
Frame make_frame(const Numbers& numbers, const Positions& positions, const Cell& cell, const Periodic& periodic);

/// The vector as a NumPy array, without a copy: the array owns it.
inline nb::ndarray<nb::numpy, double> to_array(std::vector<double> values, std::initializer_list<std::size_t> shape) {
  auto kept = std::make_unique<std::vector<double>>(std::move(values));
  double* data = kept->data();
  const nb::capsule owner(kept.release(), [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  return nb::ndarray<nb::numpy, double>(data, shape, owner);
}

/// What the result says of the frame: energy (float), energies [atoms], forces [atoms][3], virial [3][3]; where they
/// are wanted and the frame has such, stress [3][3] and stresses [atoms][3][3].
nb::dict to_dict(const Frame& frame, FrameResult result, Wanted wanted);

}  // namespace grapevine::python
