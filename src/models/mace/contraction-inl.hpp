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
  /// `monomials` are those of the contractions.
  ContractionKernel(std::shared_ptr<const Monomials> monomials, const std::vector<Contraction>& contractions,
                    std::size_t species, int channels)
      : monomials_(std::move(monomials)) {
    const std::size_t count = monomials_->coefficients();
    const std::vector<double> folded = folded_coefficients(contractions, species, channels);
    coefficients_.assign(count * static_cast<std::size_t>(equivariant::padded(channels)), Real(0));
    for (std::size_t n = 0; n < count; ++n)
      for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c)
        coefficients_[(c / lanes * count + n) * lanes + c % lanes] =
            static_cast<Real>(folded[n * static_cast<std::size_t>(channels) + c]);
  }

  /// b = B( a )
  void run(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& b) const {
    for_each_group(atoms, a, [&](auto group, int atom, int channel) HWY_ATTR {
      add_products<group>(load_components<group>(a, atom, channel), coefficients(channel), b, atom, channel);
    });
  }

  /// da = dE/da from db = dE/dB
  void differentiate(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& db,
                     const BlockFeatures<Real>& da) const {
    for_each_group(atoms, a, [&](auto group, int atom, int channel) HWY_ATTR {
      Components<group> gradient{};
      add_gradients<group>(load_components<group>(a, atom, channel), coefficients(channel), db, atom, channel,
                           gradient);
      store_components<group>(gradient, atom, channel, da);
    });
  }

 private:
  using P = Register<Real>;
  static constexpr std::size_t lanes = static_cast<std::size_t>(P::lanes);
  static constexpr int most_components = 16;
  // Of sixteen registers (AVX2) the sums of two atoms leave enough for what they are made of.
  static constexpr int together = sizeof(typename P::Vector) == 64 ? 4 : 2;

  /// A of a few atoms.
  template <int group>
  struct Components {
    alignas(64) Real values[most_components][group][lanes];
  };

  const Real* coefficients(int channel) const {
    return coefficients_.data() + static_cast<std::size_t>(channel) * monomials_->coefficients();
  }

  template <class Function>
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

  /// Calls function(component of A, atom of the group, where it stands).
  template <int group, class Function>
  static HWY_INLINE void for_each_component(const BlockFeatures<Real>& a, int atom, int channel,
                                            const Function& function) {
    int f = 0;
    for (int i = 0; i < a.layout->count(); ++i)
      for (int m = 0; m < a.layout->irreps()[static_cast<std::size_t>(i)].components(); ++m, ++f)
        for (int n = 0; n < group; ++n) function(f, n, place(a, i, m, atom + n, channel));
  }

  template <int group>
  static HWY_INLINE Components<group> load_components(const BlockFeatures<Real>& a, int atom, int channel) {
    Components<group> x;
    for_each_component<group>(a, atom, channel,
                              [&](int f, int n, const Real* from) HWY_ATTR { store(load<P>(from), x.values[f][n]); });
    return x;
  }

  template <int group>
  static HWY_INLINE void store_components(const Components<group>& x, int atom, int channel,
                                          const BlockFeatures<Real>& a) {
    for_each_component<group>(a, atom, channel,
                              [&](int f, int n, Real* to) HWY_ATTR { store(load<P>(x.values[f][n]), to); });
  }

  template <int group>
  HWY_NOINLINE void add_products(const Components<group>& a, const Real* c, const BlockFeatures<Real>& b, int atom,
                                 int channel) const {
    auto single = monomials_->singles.data();
    auto pair = monomials_->pairs.data();
    auto triple = monomials_->triples.data();
    for (const Monomials::Output& output : monomials_->outputs) {
      P sum[group];
      for (P& line : sum) line = zero<P>();
      for (const auto last = single + output.singles; single < last; ++single) {
        P outer[group];
        fill(load_next(c), outer);
        for (const auto last_pair = pair + single->pairs; pair < last_pair; ++pair) {
          P inner[group];
          fill(load_next(c), inner);
          for (const auto last_triple = triple + pair->triples; triple < last_triple; ++triple) {
            const P weight = load_next(c);
            for (int n = 0; n < group; ++n) inner[n] = mul_add(weight, load<P>(a.values[*triple][n]), inner[n]);
          }
          for (int n = 0; n < group; ++n) outer[n] = mul_add(inner[n], load<P>(a.values[pair->j][n]), outer[n]);
        }
        for (int n = 0; n < group; ++n) sum[n] = mul_add(outer[n], load<P>(a.values[single->i][n]), sum[n]);
      }
      for (int n = 0; n < group; ++n) store(sum[n], place(b, output.irreps, output.component, atom + n, channel));
    }
  }

  // Of B = A_i ( c_i + A_j ( c_ij + A_k c_ijk ) ) the brackets are the slopes by A_i and A_j, as far as products are
  // nested in each other, and g A_i A_j times c_ijk is added to that by A_k.
  template <int group>
  HWY_NOINLINE void add_gradients(const Components<group>& a, const Real* c, const BlockFeatures<Real>& db, int atom,
                                  int channel, Components<group>& da) const {
    auto single = monomials_->singles.data();
    auto pair = monomials_->pairs.data();
    auto triple = monomials_->triples.data();
    for (const Monomials::Output& output : monomials_->outputs) {
      P g[group];
      for (int n = 0; n < group; ++n) g[n] = load<P>(place(db, output.irreps, output.component, atom + n, channel));
      for (const auto last = single + output.singles; single < last; ++single) {
        P outer[group], g_i[group];
        fill(load_next(c), outer);
        for (int n = 0; n < group; ++n) g_i[n] = g[n] * load<P>(a.values[single->i][n]);
        for (const auto last_pair = pair + single->pairs; pair < last_pair; ++pair) {
          P inner[group], g_ij[group];
          fill(load_next(c), inner);
          for (int n = 0; n < group; ++n) g_ij[n] = g_i[n] * load<P>(a.values[pair->j][n]);
          for (const auto last_triple = triple + pair->triples; triple < last_triple; ++triple) {
            const P weight = load_next(c);
            for (int n = 0; n < group; ++n) {
              inner[n] = mul_add(weight, load<P>(a.values[*triple][n]), inner[n]);
              add_product(weight, g_ij[n], da.values[*triple][n]);
            }
          }
          for (int n = 0; n < group; ++n) {
            outer[n] = mul_add(inner[n], load<P>(a.values[pair->j][n]), outer[n]);
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
  template <int group>
  static HWY_INLINE void fill(const P& value, P (&lines)[group]) {
    for (P& line : lines) line = value;
  }
  static HWY_INLINE void add_product(const P& x, const P& y, Real* to) { store(mul_add(x, y, load<P>(to)), to); }

  std::shared_ptr<const Monomials> monomials_;
  simd::AlignedVector<Real> coefficients_;  // [registers of channels][coefficients][lanes]
};

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
