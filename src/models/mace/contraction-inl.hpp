// Products of an atom's message with itself, channel by channel, with the channels in the lanes.
#if defined(GRAPEVINE_MACE_CONTRACTION_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_MACE_CONTRACTION_INL
#undef GRAPEVINE_MACE_CONTRACTION_INL
#else
#define GRAPEVINE_MACE_CONTRACTION_INL
#endif

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "models/equivariant/features-inl.hpp"
#include "models/mace/monomials.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

using namespace equivariant::HWY_NAMESPACE;

/// The contractions of one species. A register of channels at a time: its coefficients stay in the second cache while
/// all atoms of a block take them, a few atoms together.
template <class Real>
class ContractionKernel {
 public:
  /// `plan` is that of the contractions.
  ContractionKernel(std::shared_ptr<const ContractionPlan> plan, const std::vector<Contraction>& contractions,
                    std::size_t species, int channels)
      : plan_(std::move(plan)), channels_(static_cast<std::size_t>(channels)) {
    coefficients_.assign(monomials().coefficients() * static_cast<std::size_t>(equivariant::padded(channels)), Real(0));
    set_coefficients(plan_->fold(contractions, species, channels).data());
  }

  /// Of another species, or with other weights: [coefficients][channels].
  void set_coefficients(const double* folded) {
    for_each_coefficient(
        [&](std::size_t here, std::size_t there) { coefficients_[here] = static_cast<Real>(folded[there]); });
  }

  const ContractionPlan& plan() const { return *plan_; }

  /// Numbers of a gradient by the coefficients, as differentiate_duals() has it.
  std::size_t coefficient_size() const { return coefficients_.size(); }

  /// Adds it to one as set_coefficients() takes the coefficients.
  void add_coefficient_gradient(const Real* d_coefficients, double* folded_gradient) const {
    for_each_coefficient([&](std::size_t here, std::size_t there) {
      folded_gradient[there] += static_cast<double>(d_coefficients[here]);
    });
  }

  /// b = B( a ), and its changes
  template <int K = 0>
  void run(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& b) const {
    using Scalar = Changing<Real, K>;
    for_each_group<together<Scalar>>(atoms, a, [&](auto group, int atom, int channel) HWY_ATTR {
      add_products<Scalar, group>(load_components<Scalar, group>(atoms, a, atom, channel),
                                  coefficients_.data() + first_coefficient(channel), atoms, b, atom, channel);
    });
  }

  /// da = dE/da from db = dE/dB
  void differentiate(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& db,
                     const BlockFeatures<Real>& da) const {
    differentiate<Real>(atoms, a, db, da, nullptr);
  }

  /// The same of numbers with one change each. Adds to the gradient of a loss by the coefficients, see
  /// equivariant::MatrixGradient.
  void differentiate_duals(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& db,
                           const BlockFeatures<Real>& da, Real* d_coefficients) const {
    differentiate<Changing<Real, 1>>(atoms, a, db, da, d_coefficients);
  }

 private:
  using P = Register<Real>;
  static constexpr std::size_t lanes = static_cast<std::size_t>(P::lanes);
  static constexpr int most_components = 16;
  // Of sixteen registers (AVX2) the sums of two atoms leave enough for what they are made of, or those of one with
  // changes.
  template <class Scalar>
  static constexpr int together = is_jet<Register<Scalar>>           ? 1
                                  : sizeof(typename P::Vector) == 64 ? 4
                                                                     : 2;
  // With changes, two atoms share a gradient by the coefficients on its way from and to memory.
  template <class Scalar>
  static constexpr int together_back = is_jet<Register<Scalar>> && sizeof(typename P::Vector) == 64 ? 2
                                                                                                    : together<Scalar>;

  /// A of a few atoms.
  template <class Scalar, int group>
  struct Components {
    alignas(64) Scalar values[most_components][group][lanes];
  };

  const Monomials& monomials() const { return plan_->monomials(); }

  /// Where coefficients of a register of channels stand.
  std::size_t first_coefficient(int channel) const {
    return static_cast<std::size_t>(channel) * monomials().coefficients();
  }

  /// Calls function(place in a register's numbers, place in [coefficients][channels]).
  template <class Function>
  void for_each_coefficient(const Function& function) const {
    const std::size_t count = monomials().coefficients();
    for (std::size_t n = 0; n < count; ++n)
      for (std::size_t c = 0; c < channels_; ++c)
        function((c / lanes * count + n) * lanes + c % lanes, n * channels_ + c);
  }

  template <class Scalar>
  void differentiate(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& db,
                     const BlockFeatures<Real>& da, Real* dc) const {
    for_each_group<together_back<Scalar>>(atoms, a, [&](auto group, int atom, int channel) HWY_ATTR {
      const std::size_t first = first_coefficient(channel);
      Components<Scalar, group> gradient{};
      add_gradients<Scalar, group>(load_components<Scalar, group>(atoms, a, atom, channel),
                                   coefficients_.data() + first, atoms, db, atom, channel, gradient,
                                   is_jet<Register<Scalar>> ? dc + first : nullptr);
      store_components<Scalar, group>(gradient, atoms, atom, channel, da);
    });
  }

  template <int together, class Function>
  static HWY_INLINE void for_each_group(int atoms, const BlockFeatures<Real>& a, const Function& function) {
    for (int channel = 0; channel < a.layout->channels(0); channel += P::lanes) {
      int atom = 0;
      for (; atom + together <= atoms; atom += together)
        function(std::integral_constant<int, together>(), atom, channel);
      for (; atom < atoms; ++atom) function(std::integral_constant<int, 1>(), atom, channel);
    }
  }

  static Real* place(const BlockFeatures<Real>& x, int irreps, int component, int atom, int channel) {
    const std::ptrdiff_t row = x.layout->channels(irreps);
    return x.of(irreps) + atom * x.layout->size(irreps) + component * row + channel;
  }

  /// Calls function(component of A, atom of the group, where it stands, numbers of an atom there).
  template <int group, class Function>
  static HWY_INLINE void for_each_component(const BlockFeatures<Real>& a, int atom, int channel,
                                            const Function& function) {
    int f = 0;
    for (int i = 0; i < a.layout->count(); ++i)
      for (int m = 0; m < a.layout->irreps()[static_cast<std::size_t>(i)].components(); ++m, ++f)
        for (int n = 0; n < group; ++n) function(f, n, place(a, i, m, atom + n, channel), a.layout->size(i));
  }

  template <class Scalar, int group>
  static HWY_INLINE Components<Scalar, group> load_components(int atoms, const BlockFeatures<Real>& a, int atom,
                                                              int channel) {
    Components<Scalar, group> x;
    for_each_component<group>(a, atom, channel, [&](int f, int n, const Real* from, std::ptrdiff_t size) HWY_ATTR {
      store(load_planes<Register<Scalar>>(from, atoms * size), x.values[f][n]);
    });
    return x;
  }

  template <class Scalar, int group>
  static HWY_INLINE void store_components(const Components<Scalar, group>& x, int atoms, int atom, int channel,
                                          const BlockFeatures<Real>& a) {
    for_each_component<group>(a, atom, channel, [&](int f, int n, Real* to, std::ptrdiff_t size) HWY_ATTR {
      store_planes(load<Register<Scalar>>(x.values[f][n]), to, atoms * size);
    });
  }

  template <class Scalar, int group>
  HWY_NOINLINE void add_products(const Components<Scalar, group>& a, const Real* c, int atoms,
                                 const BlockFeatures<Real>& b, int atom, int channel) const {
    using J = Register<Scalar>;
    auto single = monomials().singles.data();
    auto pair = monomials().pairs.data();
    auto triple = monomials().triples.data();
    for (const Monomials::Output& output : monomials().outputs) {
      J sum[group];
      for (J& line : sum) line = zero<J>();
      for (const auto last = single + output.singles; single < last; ++single) {
        J outer[group];
        fill(constant<J>(load_next(c)), outer);
        for (const auto last_pair = pair + single->pairs; pair < last_pair; ++pair) {
          J inner[group];
          fill(constant<J>(load_next(c)), inner);
          for (const auto last_triple = triple + pair->triples; triple < last_triple; ++triple) {
            const P weight = load_next(c);
            for (int n = 0; n < group; ++n) inner[n] = mul_add(weight, load<J>(a.values[*triple][n]), inner[n]);
          }
          for (int n = 0; n < group; ++n) outer[n] = mul_add(inner[n], load<J>(a.values[pair->j][n]), outer[n]);
        }
        for (int n = 0; n < group; ++n) sum[n] = mul_add(outer[n], load<J>(a.values[single->i][n]), sum[n]);
      }
      const std::ptrdiff_t plane = atoms * b.layout->size(output.irreps);
      for (int n = 0; n < group; ++n)
        store_planes(sum[n], place(b, output.irreps, output.component, atom + n, channel), plane);
    }
  }

  // Of B = A_i ( c_i + A_j ( c_ij + A_k c_ijk ) ) the brackets are the slopes by A_i and A_j, as far as products are
  // nested in each other, and g A_i A_j times c_ijk is added to that by A_k. The slopes by the coefficients are g A_i,
  // g A_i A_j and g A_i A_j A_k, whose changes are wanted.
  template <class Scalar, int group>
  HWY_NOINLINE void add_gradients(const Components<Scalar, group>& a, const Real* c, int atoms,
                                  const BlockFeatures<Real>& db, int atom, int channel, Components<Scalar, group>& da,
                                  Real* dc) const {
    using J = Register<Scalar>;
    auto single = monomials().singles.data();
    auto pair = monomials().pairs.data();
    auto triple = monomials().triples.data();
    for (const Monomials::Output& output : monomials().outputs) {
      const std::ptrdiff_t plane = atoms * db.layout->size(output.irreps);
      J g[group];
      for (int n = 0; n < group; ++n)
        g[n] = load_planes<J>(place(db, output.irreps, output.component, atom + n, channel), plane);
      for (const auto last = single + output.singles; single < last; ++single) {
        J outer[group], g_i[group];
        fill(constant<J>(load_next(c)), outer);
        for (int n = 0; n < group; ++n) g_i[n] = g[n] * load<J>(a.values[single->i][n]);
        add_changes(g_i, dc);
        for (const auto last_pair = pair + single->pairs; pair < last_pair; ++pair) {
          J inner[group], g_ij[group];
          fill(constant<J>(load_next(c)), inner);
          for (int n = 0; n < group; ++n) g_ij[n] = g_i[n] * load<J>(a.values[pair->j][n]);
          add_changes(g_ij, dc);
          for (const auto last_triple = triple + pair->triples; triple < last_triple; ++triple) {
            const P weight = load_next(c);
            J a_k[group];
            for (int n = 0; n < group; ++n) {
              a_k[n] = load<J>(a.values[*triple][n]);
              inner[n] = mul_add(weight, a_k[n], inner[n]);
              add_product(weight, g_ij[n], da.values[*triple][n]);
            }
            add_changes_of_products(g_ij, a_k, dc);
          }
          for (int n = 0; n < group; ++n) {
            outer[n] = mul_add(inner[n], load<J>(a.values[pair->j][n]), outer[n]);
            add_product(g_i[n], inner[n], da.values[pair->j][n]);
          }
        }
        for (int n = 0; n < group; ++n) add_product(g[n], outer[n], da.values[single->i][n]);
      }
    }
  }

  static HWY_INLINE P load_next(const Real*& c) {
    const P line = load<P>(c);
    c += P::lanes;
    return line;
  }
  template <class J, int group>
  static HWY_INLINE void fill(const J& value, J (&lines)[group]) {
    for (J& line : lines) line = value;
  }
  template <class X, class J, class Scalar>
  static HWY_INLINE void add_product(const X& x, const J& y, Scalar* to) {
    store(mul_add(x, y, load<J>(to)), to);
  }

  /// To the next line of the gradient by the coefficients; there is none for numbers that do not change.
  template <class J, int group>
  static HWY_INLINE void add_changes([[maybe_unused]] const J (&x)[group], [[maybe_unused]] Real*& dc) {
    if constexpr (is_jet<J>) {
      P line = load<P>(dc);
      for (const J& number : x) line = line + number.change[0];
      store(line, dc);
      dc += P::lanes;
    }
  }
  template <class J, int group>
  static HWY_INLINE void add_changes_of_products([[maybe_unused]] const J (&x)[group],
                                                 [[maybe_unused]] const J (&y)[group], [[maybe_unused]] Real*& dc) {
    if constexpr (is_jet<J>) {
      P line = load<P>(dc);
      for (int n = 0; n < group; ++n)
        line = mul_add(x[n].value, y[n].change[0], mul_add(x[n].change[0], y[n].value, line));
      store(line, dc);
      dc += P::lanes;
    }
  }

  std::shared_ptr<const ContractionPlan> plan_;
  std::size_t channels_;
  simd::AlignedVector<Real> coefficients_;  // [registers of channels][coefficients][lanes]
};

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
