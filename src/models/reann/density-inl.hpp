// Densities of the centres of a block and their Gram matrices: what of a model is compiled for each shape.
#if defined(GRAPEVINE_REANN_DENSITY_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_DENSITY_INL
#undef GRAPEVINE_REANN_DENSITY_INL
#else
#define GRAPEVINE_REANN_DENSITY_INL
#endif

#include <memory>
#include <type_traits>

#include "models/reann/angular.hpp"
#include "models/reann/edge_kernels-inl.hpp"
#include "models/reann/gram-inl.hpp"
#include "models/reann/parameters.hpp"
#include "models/reann/radial-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Rows of atoms, neighbours among them.
template <class Real>
struct Neighbours {
  const int* species;    // [rows], null where there is but one
  const Real* initial;   // [species][stride] c^(0)
  const Real* features;  // [rows][stride] c^(t), null in the first pass
};

/// Kernels on blocks of edges and on groups of as many atoms as there are lanes.
template <class Real, class Radial>
class DensityKernels {
 public:
  using Scratch = EdgeScratch<Real, Radial>;
  virtual ~DensityKernels() = default;

  /// b -> density [centres][components][stride], from edges whose geometry is in `scratch`; where `keep`, it holds what
  /// edge_gradients needs as well.
  virtual void sum(bool keep, const EdgeBlock<Real>& edges, const Radial& radial, const Neighbours<Real>& neighbours,
                   Scratch& scratch, Real* density) const = 0;

  /// From dE/db in place of b: dE/dd [edges][4], and behind the first pass dE/dc of neighbours, added to the rows of
  /// `coefficient_gradient`.
  virtual void edge_gradients(const EdgeBlock<Real>& edges, const Neighbours<Real>& neighbours, const Scratch& scratch,
                              const Real* d_density, Real* coefficient_gradient, Real* edge_gradient) const = 0;

  /// density [components][stride][lanes] -> gram [entries][lanes]
  virtual void gram(const Real* density, Real* gram) const = 0;
  virtual void gram_backward(const Real* density, const Real* d_gram, Real* d_density) const = 0;
};

template <class Real, class Radial, int order, int fixed_stride>
class ShapedDensityKernels final : public DensityKernels<Real, Radial> {
 public:
  using Scratch = EdgeScratch<Real, Radial>;

  explicit ShapedDensityKernels(const Parameters& parameters)
      : basis_(parameters.max_order),
        edges_(basis_, padded(parameters.waves)),
        gram_(basis_, parameters.waves, padded(parameters.waves)) {}

  void sum(bool keep, const EdgeBlock<Real>& edges, const Radial& radial, const Neighbours<Real>& neighbours,
           Scratch& scratch, Real* density) const override {
    with_types(neighbours, [&](auto species, auto coefficients) HWY_ATTR {
      if (keep)
        edges_.template density<true>(edges, radial, species, coefficients, scratch, density);
      else
        edges_.template density<false>(edges, radial, species, coefficients, scratch, density);
    });
  }

  void edge_gradients(const EdgeBlock<Real>& edges, const Neighbours<Real>& neighbours, const Scratch& scratch,
                      const Real* d_density, Real* coefficient_gradient, Real* edge_gradient) const override {
    with_types(neighbours, [&](auto /*species*/, auto coefficients) HWY_ATTR {
      constexpr bool later = std::is_same_v<decltype(coefficients), FeatureCoefficients<Real>>;
      edges_.template gradients<later>(edges, coefficients, scratch, d_density, coefficient_gradient, edge_gradient);
    });
  }

  void gram(const Real* density, Real* gram) const override { gram_.forward(density, gram); }
  void gram_backward(const Real* density, const Real* d_gram, Real* d_density) const override {
    gram_.backward(density, d_gram, d_density);
  }

 private:
  /// Calls function(species of neighbours, coefficients of neighbours) with the types that suit the model and the pass.
  template <class Function>
  HWY_INLINE void with_types(const Neighbours<Real>& neighbours, const Function& function) const {
    const OneSpecies one;
    const ManySpecies many{neighbours.species};
    const FeatureCoefficients<Real> features{neighbours.features};
    const bool one_species = neighbours.species == nullptr;
    if (neighbours.features != nullptr && one_species)
      function(one, features);
    else if (neighbours.features != nullptr)
      function(many, features);
    else if (one_species)
      function(one, InitialCoefficients<Real, OneSpecies>{neighbours.initial, one});
    else
      function(many, InitialCoefficients<Real, ManySpecies>{neighbours.initial, many});
  }

  AngularBasis basis_;
  EdgeKernels<Real, order, Radial, fixed_stride> edges_;
  GramKernel<Real, fixed_stride, order> gram_;
};

template <class Real, class Radial>
using DensityKernelsPointer = std::unique_ptr<const DensityKernels<Real, Radial>>;

/// The shapes in common use have loops of fixed length.
template <class Real, class Radial>
DensityKernelsPointer<Real, Radial> make_shaped_density_kernels(const Parameters& p) {
  const bool narrow = padded(p.waves) == 8;
  if (p.max_order == 2 && narrow) return std::make_unique<ShapedDensityKernels<Real, Radial, 2, 8>>(p);
#ifndef GRAPEVINE_FEW_SHAPES
  if (p.max_order == 2) return std::make_unique<ShapedDensityKernels<Real, Radial, 2, 0>>(p);
  if (p.max_order == 3 && narrow) return std::make_unique<ShapedDensityKernels<Real, Radial, 3, 8>>(p);
  if (p.max_order == 3) return std::make_unique<ShapedDensityKernels<Real, Radial, 3, 0>>(p);
#endif
  return std::make_unique<ShapedDensityKernels<Real, Radial, any_order, 0>>(p);
}

/// The same. It is in model_double.cpp and model_float.cpp, so that what else needs these kernels need not compile them
/// again.
template <class Real, class Radial>
DensityKernelsPointer<Real, Radial> make_density_kernels(const Parameters& parameters);

template <>
DensityKernelsPointer<double, ExactRadial<double>> make_density_kernels(const Parameters& parameters);
template <>
DensityKernelsPointer<float, ExactRadial<float>> make_density_kernels(const Parameters& parameters);
template <>
DensityKernelsPointer<float, TabulatedRadial> make_density_kernels(const Parameters& parameters);

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
