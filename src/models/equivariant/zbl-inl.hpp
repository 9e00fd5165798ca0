// Repulsion of nuclei, with the edges in the lanes.
#if defined(GRAPEVINE_EQUIVARIANT_ZBL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_ZBL_INL
#undef GRAPEVINE_EQUIVARIANT_ZBL_INL
#else
#define GRAPEVINE_EQUIVARIANT_ZBL_INL
#endif

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/graph.hpp"
#include "models/equivariant/edges-inl.hpp"
#include "models/equivariant/zbl.hpp"
#include "simd/aligned_vector.hpp"
#include "simd/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Zbl for a block of centres of one species.
template <class Real>
class ZblKernel {
 public:
  /// `pair_cutoff` is [species][species] in Angstrom, or empty where `cutoff` is that of all pairs.
  ZblKernel(const Zbl& zbl, double cutoff, const std::vector<double>& pair_cutoff)
      : zbl_(zbl), species_(zbl.charge.size()) {
    for (std::size_t i = 0; i < species_; ++i)
      for (std::size_t j = 0; j < species_; ++j) {
        const double a = zbl.length / (std::pow(zbl.charge[i], zbl.exponent) + std::pow(zbl.charge[j], zbl.exponent));
        pairs_.push_back({static_cast<Real>(0.5 * zbl.coulomb * zbl.charge[i] * zbl.charge[j]),
                          static_cast<Real>(1 / a),
                          static_cast<Real>(1 / (pair_cutoff.empty() ? cutoff : pair_cutoff[i * species_ + j]))});
      }
  }

  struct Scratch {
    simd::AlignedVector<Real> strength, inverse_length, inverse_cutoff, energy, slope;  // [edges, padded]
  };

  /// Energies are added to energy [centres][1 + K], slopes are left in scratch until add_slopes().
  template <int K = 0>
  HWY_NOINLINE void run(const EdgeBlock<Real>& edges, std::span<const int> species, const EdgeGeometry<Real>& geometry,
                        Scratch& scratch, double* energy) const {
    using P = Line<Real>;
    gather(edges, species, geometry.stride, scratch);
    for (int e = 0; e < geometry.edges; e += P::lanes) {
      P value, slope;
      evaluate(load<P>(scratch.strength.data() + e), load<P>(scratch.inverse_length.data() + e),
               load<P>(scratch.inverse_cutoff.data() + e), load<P>(geometry.distance.data() + e), value, slope);
      store(value, scratch.energy.data() + e);
      store(slope, scratch.slope.data() + e);
    }
    for (int c = 0; c < edges.centres(); ++c, energy += 1 + K)
      for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
        if (geometry.distance[e] * scratch.inverse_cutoff[e] < Real(1))
          energy[0] += static_cast<double>(scratch.energy[e]);
        else
          scratch.slope[e] = Real(0);
        for (int k = 1; k <= K; ++k)
          energy[k] += static_cast<double>(scratch.slope[e] * geometry.distance[k * geometry.stride + e]);
      }
  }

  /// To dE/d(radial distance) of the geometry.
  void add_slopes(const Scratch& scratch, EdgeGeometry<Real>& geometry) const {
    for (int e = 0; e < geometry.edges; ++e)
      geometry.d_distance[e] += geometry.stretched ? scratch.slope[e] / geometry.stretch[e] : scratch.slope[e];
  }

 private:
  struct Pair {
    Real strength, inverse_length, inverse_cutoff;
  };

  void gather(const EdgeBlock<Real>& edges, std::span<const int> species, std::ptrdiff_t stride,
              Scratch& scratch) const {
    for (auto* values :
         {&scratch.strength, &scratch.inverse_length, &scratch.inverse_cutoff, &scratch.energy, &scratch.slope})
      if (values->size() < static_cast<std::size_t>(stride)) values->assign(stride, Real(0));
    const Pair* row = pairs_.data() + static_cast<std::size_t>(edges.species) * species_;
    for (int e = 0; e < edges.edges(); ++e) {
      const Pair& pair = row[species[edges.neighbour[e]]];
      scratch.strength[e] = pair.strength;
      scratch.inverse_length[e] = pair.inverse_length;
      scratch.inverse_cutoff[e] = pair.inverse_cutoff;
    }
  }

  HWY_INLINE void evaluate(const Line<Real>& strength, const Line<Real>& inverse_length,
                           const Line<Real>& inverse_cutoff, const Line<Real>& r, Line<Real>& value,
                           Line<Real>& slope) const {
    using P = Line<Real>;
    const auto all = [](double number) HWY_ATTR { return broadcast<P>(static_cast<Real>(number)); };
    const P inverse_r = broadcast<P>(Real(1)) / r;
    const P scaled = r * inverse_length;
    P screening = zero<P>();
    P screening_slope = zero<P>();
    for (int n = 0; n < 4; ++n) {
      const P term = all(zbl_.coefficient[n]) * exponential(all(-zbl_.decay[n]) * scaled);
      screening = screening + term;
      screening_slope = mul_add(all(-zbl_.decay[n]) * inverse_length, term, screening_slope);
    }
    const double p = zbl_.cutoff_power;
    const P x = r * inverse_cutoff;
    P power = broadcast<P>(Real(1));
    for (int k = 1; k < zbl_.cutoff_power; ++k) power = power * x;
    const P a = all((p + 1) * (p + 2) / 2);
    const P b = all(p * (p + 2));
    const P c = all(p * (p + 1) / 2);
    const P f = broadcast<P>(Real(1)) - power * x * (a - x * (b - x * c));
    const P f_slope = zero<P>() - inverse_cutoff * power * (all(p) * a - x * (all(p + 1) * b - all(p + 2) * x * c));
    const P bare = strength * inverse_r;
    value = bare * screening * f;
    slope = bare * ((screening_slope - screening * inverse_r) * f + screening * f_slope);
  }

  Zbl zbl_;
  std::size_t species_;
  std::vector<Pair> pairs_;  // [species][species]
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
