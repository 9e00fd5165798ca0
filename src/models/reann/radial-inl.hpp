// Radial functions R_k(r) f_c(r) of edges, with eight waves in the lanes: exactly, or in float from a table.
#if defined(GRAPEVINE_REANN_RADIAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_RADIAL_INL
#undef GRAPEVINE_REANN_RADIAL_INL
#else
#define GRAPEVINE_REANN_RADIAL_INL
#endif

#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include "models/reann/parameters.hpp"
#include "models/reann/radial_table.hpp"
#include "models/reann/shells-inl.hpp"
#include "simd/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Rows of `width` numbers as rows of `stride`, the rest zero.
template <class Real>
std::vector<Real> pad_rows(const std::vector<double>& values, int width, int stride) {
  const std::size_t rows = values.size() / static_cast<std::size_t>(width);
  std::vector<Real> result(rows * stride, Real(0));
  for (std::size_t r = 0; r < rows; ++r)
    for (int k = 0; k < width; ++k) result[r * stride + k] = static_cast<Real>(values[r * width + k]);
  return result;
}

template <class Real>
struct RadialValue {
  Waves<Real> value;
  Waves<Real> derivative;  // by r
};

/// Gaussians are cut off where they mean nothing beside their peak, long before their products become denormal numbers,
/// which processors are many times slower with.
template <class Real>
inline constexpr Real lowest_power = std::is_same_v<Real, float> ? Real(-41) : Real(-300);

/// R_k = exp(inta_k (r - rs_k)^2) times f_c = cos^4(pi r / (2 rc)), which is (cos(pi r / rc) / 2 + 1 / 2)^2.
template <class Real>
class ExactRadial {
 public:
  ExactRadial(const Parameters& parameters, int stride)
      : stride_(stride), frequency_(static_cast<Real>(std::numbers::pi / (2 * parameters.cutoff))) {
    assign(parameters);
  }

  /// Takes the numbers of parameters of the same sizes.
  void assign(const Parameters& parameters) {
    exponent_ = pad_rows<Real>(parameters.radial_exponent, parameters.waves, stride_);
    centre_ = pad_rows<Real>(parameters.radial_centre, parameters.waves, stride_);
  }

  const Real* exponents(int species) const { return &exponent_[static_cast<std::size_t>(species) * stride_]; }
  const Real* centres(int species) const { return &centre_[static_cast<std::size_t>(species) * stride_]; }

  /// What edges need before their waves are computed.
  struct Scratch {
    std::vector<Real> distance;
    std::vector<Real> cut;
    std::vector<Real> d_cut;

    void resize(std::size_t edges) {
      distance.resize(edges);
      cut.resize(edges);
      d_cut.resize(edges);
    }
  };

  HWY_INLINE void prepare(const Pack<Real, 8>& r, int e, Scratch& scratch) const {
    using P = Pack<Real, 8>;
    const P frequency = broadcast<P>(frequency_);
    P sine;
    P cosine;
    sine_cosine(neg_mul_add(frequency, r, broadcast<P>(static_cast<Real>(std::numbers::pi / 2))), sine, cosine);
    const P cube = sine * sine * sine;
    store(r, &scratch.distance[e]);
    store(cube * sine, &scratch.cut[e]);
    store(broadcast<P>(Real(-4)) * frequency * cube * cosine, &scratch.d_cut[e]);
  }

  /// Pointers to what `prepare` left.
  struct View {
    const Real* distance;
    const Real* cut;
    const Real* d_cut;
    const Real* exponent;
    const Real* centre;
    int stride;

    /// Waves v .. v + 7 of edge e; the derivative only where `with_derivative`.
    template <bool with_derivative, int fixed_stride>
    HWY_INLINE RadialValue<Real> at(int species, int e, int v) const {
      using W = Waves<Real>;
      const std::ptrdiff_t parameters =
          static_cast<std::ptrdiff_t>(species) * (fixed_stride > 0 ? fixed_stride : stride) + v;
      const W off = broadcast<W>(distance[e]) - load<W>(centre + parameters);
      const W slope = load<W>(exponent + parameters) * off;
      const W gaussian = exponential(slope * off, lowest_power<Real>);
      const W value = gaussian * broadcast<W>(cut[e]);
      if constexpr (with_derivative)
        return {value, mul_add(gaussian, broadcast<W>(d_cut[e]), (slope + slope) * value)};
      else
        return {value, value};
    }
  };

  HWY_INLINE View view(const Scratch& scratch) const {
    return {scratch.distance.data(), scratch.cut.data(), scratch.d_cut.data(),
            exponent_.data(),        centre_.data(),     stride_};
  }

 private:
  int stride_;
  Real frequency_;
  std::vector<Real> exponent_;  // [species][stride]
  std::vector<Real> centre_;    // [species][stride]
};

/// The same from polynomials, to the rounding of float.
class TabulatedRadial {
 public:
  explicit TabulatedRadial(RadialTable table) : table_(std::move(table)) {}

  struct Scratch {
    std::vector<std::int32_t> interval;
    std::vector<float> fraction;

    void resize(std::size_t edges) {
      interval.resize(edges);
      fraction.resize(edges);
    }
  };

  HWY_INLINE void prepare(const Pack<float, 8>& r, int e, Scratch& scratch) const {
    const typename Pack<float, 8>::Tag d;
    const hn::RebindToSigned<typename Pack<float, 8>::Tag> di;
    for (int i = 0; i < r.parts; ++i) {
      const auto at = hn::Mul(r.part[i], hn::Set(d, table_.per_angstrom));
      const auto interval = hn::ConvertTo(di, at);
      hn::StoreU(interval, di, &scratch.interval[e + i * r.vector_lanes]);
      hn::StoreU(hn::Sub(hn::Sub(at, hn::ConvertTo(d, interval)), hn::Set(d, 0.5f)), d,
                 &scratch.fraction[e + i * r.vector_lanes]);
    }
  }

  struct View {
    const std::int32_t* interval;
    const float* fraction;
    const float* coefficient;
    float per_angstrom;
    int stride;
    int species_size;

    template <bool with_derivative, int fixed_stride>
    HWY_INLINE RadialValue<float> at(int species, int e, int v) const {
      using W = Waves<float>;
      const int s = fixed_stride > 0 ? fixed_stride : stride;
      const float* row = coefficient + species * species_size +
                         static_cast<std::ptrdiff_t>(interval[e]) * (RadialTable::terms * s) + v;
      const W f = broadcast<W>(fraction[e]);
      W value = load<W>(row);
      W slope = value;
      for (int i = 1; i < RadialTable::terms; ++i) {
        value = mul_add(value, f, load<W>(row + i * s));
        if (with_derivative && i == 1) slope = mul_add(slope, f, value);
        if (with_derivative && i > 1 && i < RadialTable::terms - 1) slope = mul_add(slope, f, value);
      }
      if constexpr (with_derivative)
        return {value, slope * broadcast<W>(per_angstrom)};
      else
        return {value, value};
    }
  };

  HWY_INLINE View view(const Scratch& scratch) const {
    return {
        scratch.interval.data(), scratch.fraction.data(), table_.coefficient.data(),
        table_.per_angstrom,     table_.stride,           (table_.intervals + 1) * RadialTable::terms * table_.stride};
  }

 private:
  RadialTable table_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
