// The kernels of REANN in the classes that hold them: the one place to adapt when those change.
#include "kernel_cases.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel_cases.cpp"
#include <hwy/foreach_target.h>

#include "engine/edge_forces.hpp"
#include "kernel_flops.hpp"
#include "models/reann/edge_kernels-inl.hpp"
#include "models/reann/fuse.hpp"
#include "models/reann/gram-inl.hpp"
#include "models/reann/network-inl.hpp"
#include "models/reann/radial-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::kernel_bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using namespace reann::HWY_NAMESPACE;  // NOLINT(google-build-using-namespace): what is measured here

constexpr int block_atoms = 16;  // centres of a block, as in the model
constexpr int most_blocks = 32;  // more than branch prediction can learn by heart, less than the second cache holds
constexpr int repetitions = 32;  // of kernels that take less than a microsecond

inline ExactRadial<double> make_radial(const reann::Parameters& p, double) { return {p, reann::padded(p.waves)}; }

inline TabulatedRadial make_radial(const reann::Parameters& p, float) {
  return TabulatedRadial(*reann::RadialTable::make(
      static_cast<int>(p.species.size()), p.waves, reann::padded(p.waves), p.cutoff,
      [&](int species, int k, double r) { return reann::radial_function(p, species, k, r); }));
}

template <class Real>
std::vector<Real> ramp(std::size_t count) {
  std::vector<Real> values(count);
  for (std::size_t n = 0; n < count; ++n) values[n] = static_cast<Real>(0.01 * static_cast<double>(n % 97) - 0.3);
  return values;
}

/// Kernels on edges, over the first blocks of the sample. One scratch serves all blocks and stays in the first caches,
/// as in a pass; what it holds is of the largest block, whatever block a kernel works on.
template <class Real, int waves, class Species>
class EdgeCases {
 public:
  using Radial = decltype(make_radial(std::declval<reann::Parameters>(), Real()));
  using Kernels = EdgeKernels<Real, 2, Radial, reann::padded(waves)>;
  static constexpr int stride = reann::padded(waves);

  EdgeCases(std::shared_ptr<const Sample> sample, Species species)
      : sample_(std::move(sample)),
        blocks_(sample_->blocks(block_atoms)),
        species_(species),
        basis_(sample_->parameters.max_order),
        radial_(make_radial(sample_->parameters, Real())),
        kernels_(basis_, stride),
        initial_(pad_rows<Real>(sample_->parameters.initial_coefficient, waves, stride)) {
    const ListGraph& graph = sample_->graph;
    const auto atoms = static_cast<std::size_t>(graph.own() + graph.ghosts());
    features_ = ramp<Real>(atoms * stride);
    feature_gradients_.resize(atoms * stride);
    forces_.resize(3 * atoms);
    density_ = ramp<Real>(static_cast<std::size_t>(block_atoms * basis_.size() * stride));
    for (int b = 0; b < most_blocks; ++b) {
      graph.edges(blocks_.centres(b), edges_.emplace_back());
      edge_count_ += edges_.back().edges();
      entries_ += static_cast<double>(graph.list_entries(blocks_.centres(b)));
    }
    const auto& largest = *std::max_element(edges_.begin(), edges_.end(),
                                            [](const auto& a, const auto& b) { return a.edges() < b.edges(); });
    edge_gradient_.resize(4 * static_cast<std::size_t>(largest.edges() + EdgeBlock<Real>::padding));
    edge_geometry<true>(largest, radial_, stride, scratch_);
    kernels_.template density<true>(largest, radial_, species_, FeatureCoefficients<Real>{features_.data()}, scratch_,
                                    density_.data());
  }

  void strip() {
    for (int b = 0; b < most_blocks; ++b) sample_->graph.edges(blocks_.centres(b), stripped_);
  }
  template <bool keep>
  void geometry() {
    for (const auto& edges : edges_) edge_geometry<keep>(edges, radial_, stride, scratch_);
  }
  template <bool keep>
  void density_from_species() {
    const InitialCoefficients<Real, Species> coefficients{initial_.data(), species_};
    for (const auto& edges : edges_)
      kernels_.template density<keep>(edges, radial_, species_, coefficients, scratch_, density_.data());
  }
  template <bool keep>
  void density_from_features() {
    const FeatureCoefficients<Real> coefficients{features_.data()};
    for (const auto& edges : edges_)
      kernels_.template density<keep>(edges, radial_, species_, coefficients, scratch_, density_.data());
  }
  void gradients_from_species() {
    const InitialCoefficients<Real, Species> coefficients{initial_.data(), species_};
    for (const auto& edges : edges_)
      kernels_.template gradients<false>(edges, coefficients, scratch_, density_.data(), nullptr,
                                         edge_gradient_.data());
  }
  void gradients_from_features() {
    const FeatureCoefficients<Real> coefficients{features_.data()};
    for (const auto& edges : edges_)
      kernels_.template gradients<true>(edges, coefficients, scratch_, density_.data(), feature_gradients_.data(),
                                        edge_gradient_.data());
  }
  void edge_forces() {
    for (const auto& edges : edges_) add_edge_forces(edges, edge_gradient_.data(), 1.0, forces_.data());
  }

  double edge_count() const { return edge_count_; }
  double entries() const { return entries_; }

 private:
  std::shared_ptr<const Sample> sample_;
  BlockList blocks_;
  Species species_;
  reann::AngularBasis basis_;
  Radial radial_;
  Kernels kernels_;
  typename Kernels::Scratch scratch_;
  std::vector<EdgeBlock<Real>> edges_;
  EdgeBlock<Real> stripped_;
  double edge_count_ = 0;
  double entries_ = 0;
  std::vector<Real> initial_;
  std::vector<Real> features_;
  std::vector<Real> feature_gradients_;
  std::vector<Real> density_;
  std::vector<Real> edge_gradient_;
  std::vector<double> forces_;
};

template <class Real, int waves, class Species>
void add_edge_cases(const std::shared_ptr<const Sample>& sample, Species species, std::vector<KernelCase>& cases) {
  using Cases = EdgeCases<Real, waves, Species>;
  const auto data = std::make_shared<Cases>(sample, species);
  const Flops<Real> flops{waves};
  const double entries = data->entries();
  const double edges = data->edge_count();
  cases.push_back({"strip", [data] { data->strip(); }, entries * flops.strip(), "entry", entries});
  const auto add = [&](const char* name, void (Cases::*kernel)(), double flops_per_edge) {
    cases.push_back({name, [data, kernel] { ((*data).*kernel)(); }, edges * flops_per_edge, "edge", edges});
  };
  add("geometry", &Cases::template geometry<false>, flops.geometry(false));
  add("geometry/keep", &Cases::template geometry<true>, flops.geometry(true));
  add("density/species", &Cases::template density_from_species<false>, flops.density(false));
  add("density/species/keep", &Cases::template density_from_species<true>, flops.density(true));
  add("density/features", &Cases::template density_from_features<false>, flops.density(false));
  add("density/features/keep", &Cases::template density_from_features<true>, flops.density(true));
  add("gradients/species", &Cases::gradients_from_species, flops.gradients(false));
  add("gradients/features/coefficients", &Cases::gradients_from_features, flops.gradients(true));
  add("edge_forces", &Cases::edge_forces, flops.edge_forces());
}

/// Kernels on one group of as many atoms as there are lanes, all of it in the first cache: those of the readout, whose
/// network is the larger one.
template <class Real, int waves>
class AtomCases {
 public:
  explicit AtomCases(const reann::Parameters& p)
      : basis_(p.max_order),
        gram_kernel_(basis_, waves, reann::padded(waves)),
        parameters_(p.readout.front()),
        step_(parameters_.blocks.front().front()),
        fused_(gram_size(waves, p.max_order), parameters_.input.outputs,
               reann::fuse_with_mixing(p, p.layers, parameters_.input), parameters_.input.bias),
        network_(parameters_),
        activation_(step_.activation),
        norm_(*step_.norm) {
    const std::size_t n = lanes<Real>;
    const auto rows = static_cast<std::size_t>(basis_.size() * reann::padded(waves));
    const auto widest = static_cast<std::size_t>(
        std::max({network_.widest(), fused_.matrix.padded_rows(), fused_.transposed.padded_rows()}));
    density_ = ramp<Real>(rows * n);
    d_density_.resize(rows * n);
    gram_ = ramp<Real>(widest * n);
    d_gram_ = ramp<Real>(widest * n);
    in_ = ramp<Real>(widest * n);
    x_.resize(widest * n);
    out_.resize(widest * n);
    tape_.resize(network_.tape_size());
    scratch_.resize(2 * widest * n);
    x_ = in_;
    network_.template forward<true>(x_.data(), out_.data(), tape_.data(), scratch_.data());
  }

  void gram_forward() {
    repeat([&]() HWY_ATTR { gram_kernel_.forward(density_.data(), gram_.data()); });
  }
  void gram_backward() {
    repeat([&]() HWY_ATTR { gram_kernel_.backward(density_.data(), d_gram_.data(), d_density_.data()); });
  }
  void fused() {
    repeat([&]() HWY_ATTR { fused_.matrix.multiply(gram_.data(), out_.data()); });
  }
  void fused_transposed() {
    repeat([&]() HWY_ATTR { fused_.transposed.multiply(in_.data(), out_.data()); });
  }
  /// `forward` overwrites its input, which is copied each time: its sums would grow otherwise.
  template <bool keep>
  void network_forward() {
    const std::ptrdiff_t inputs = parameters_.input.outputs * lanes<Real>;
    repeat([&]() HWY_ATTR {
      std::copy_n(in_.data(), inputs, x_.data());
      network_.template forward<keep>(x_.data(), out_.data(), tape_.data(), scratch_.data());
    });
  }
  void network_backward() {
    repeat([&]() HWY_ATTR { network_.backward(in_.data(), out_.data(), tape_.data(), scratch_.data()); });
  }
  template <bool keep>
  void activation() {
    repeat([&]() HWY_ATTR { activation_forward<keep>(activation_, in_.data(), out_.data(), scratch_.data()); });
  }
  void activation_back() {
    const int width = activation_.width();
    repeat([&]() HWY_ATTR { activation_backward(width, scratch_.data(), in_.data(), out_.data()); });
  }
  template <bool keep>
  void norm() {
    repeat([&]() HWY_ATTR { layer_norm_forward<keep>(norm_, in_.data(), out_.data(), scratch_.data()); });
  }
  void norm_back() {
    repeat([&]() HWY_ATTR { layer_norm_backward(norm_, scratch_.data(), in_.data(), out_.data()); });
  }

  const reann::Network& parameters() const { return parameters_; }
  int width() const { return activation_.width(); }

 private:
  template <class Kernel>
  static HWY_INLINE void repeat(const Kernel& kernel) {
    for (int n = 0; n < repetitions; ++n) {
      kernel();
      asm volatile("" ::: "memory");
    }
  }

  reann::AngularBasis basis_;
  GramKernel<Real, reann::padded(waves), 2> gram_kernel_;
  reann::Network parameters_;
  reann::ResidualStep step_;
  LinearKernel<Real> fused_;
  NetworkKernel<Real> network_;
  ActivationKernel<Real> activation_;
  LayerNormKernel<Real> norm_;
  std::vector<Real> density_;
  std::vector<Real> d_density_;
  std::vector<Real> gram_;
  std::vector<Real> d_gram_;
  std::vector<Real> in_;
  std::vector<Real> x_;
  std::vector<Real> out_;
  std::vector<Real> tape_;
  std::vector<Real> scratch_;
};

template <class Real, int waves>
void add_atom_cases(const Sample& sample, std::vector<KernelCase>& cases) {
  using Cases = AtomCases<Real, waves>;
  const auto data = std::make_shared<Cases>(sample.parameters);
  const Flops<Real> flops{waves};
  const reann::Network& network = data->parameters();
  const double atoms = repetitions * lanes<Real>;
  const auto add = [&](const char* name, void (Cases::*kernel)(), double flops_per_atom) {
    cases.push_back({name, [data, kernel] { ((*data).*kernel)(); }, atoms * flops_per_atom, "atom", atoms});
  };
  add("gram/forward", &Cases::gram_forward, flops.gram_forward());
  add("gram/backward", &Cases::gram_backward, flops.gram_backward());
  add("fused/forward", &Cases::fused, flops.fused(network));
  add("fused/transposed", &Cases::fused_transposed, flops.fused(network));
  add("network/forward", &Cases::template network_forward<false>, flops.network_forward(network, false));
  add("network/forward/keep", &Cases::template network_forward<true>, flops.network_forward(network, true));
  add("network/backward", &Cases::network_backward, flops.network_backward(network));
  add("activation/forward", &Cases::template activation<false>, flops.activation(data->width(), false));
  add("activation/forward/keep", &Cases::template activation<true>, flops.activation(data->width(), true));
  add("activation/backward", &Cases::activation_back, flops.activation_backward(data->width()));
  add("layer_norm/forward", &Cases::template norm<false>, flops.layer_norm(data->width()));
  add("layer_norm/forward/keep", &Cases::template norm<true>, flops.layer_norm(data->width()));
  add("layer_norm/backward", &Cases::norm_back, flops.layer_norm_backward(data->width()));
}

template <class Real>
std::vector<KernelCase> make_cases(const std::shared_ptr<const Sample>& sample) {
  std::vector<KernelCase> cases;
  if (sample->parameters.waves == 7 && sample->parameters.species.size() == 1) {
    add_edge_cases<Real, 7>(sample, OneSpecies{}, cases);
    add_atom_cases<Real, 7>(*sample, cases);
  } else {
    add_edge_cases<Real, 8>(sample, ManySpecies{sample->graph.species().data()}, cases);
    add_atom_cases<Real, 8>(*sample, cases);
  }
  return cases;
}

std::vector<KernelCase> MakeCasesInFloat(const std::shared_ptr<const Sample>& sample) {
  return make_cases<float>(sample);
}
std::vector<KernelCase> MakeCasesInDouble(const std::shared_ptr<const Sample>& sample) {
  return make_cases<double>(sample);
}

/// Twelve sums hide the latency of two units of five cycles and leave registers for the factors.
template <class Real>
HWY_INLINE double peak() {
  const hn::ScalableTag<Real> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int sums = 12;
  constexpr int rounds = 100000;
  V factor = hn::Set(d, Real(0.999));
  V term = hn::Set(d, Real(0.001));
  asm volatile("" : "+x"(factor.raw), "+x"(term.raw));
  V sum[sums];
  for (int i = 0; i < sums; ++i) sum[i] = hn::Set(d, static_cast<Real>(i));
  for (int n = 0; n < rounds; ++n) {
    HWY_UNROLL(12)
    for (int i = 0; i < sums; ++i) sum[i] = hn::MulAdd(sum[i], factor, term);
  }
  for (int i = 1; i < sums; ++i) sum[0] = hn::Add(sum[0], sum[i]);
  asm volatile("" ::"x"(sum[0].raw));
  return 2.0 * rounds * sums * static_cast<double>(hn::Lanes(d));
}

double PeakInFloat() { return peak<float>(); }
double PeakInDouble() { return peak<double>(); }

}  // namespace grapevine::kernel_bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::kernel_bench {
HWY_EXPORT(MakeCasesInFloat);
HWY_EXPORT(MakeCasesInDouble);
HWY_EXPORT(PeakInFloat);
HWY_EXPORT(PeakInDouble);

template <>
std::vector<KernelCase> make_kernel_cases<float>(const std::shared_ptr<const Sample>& sample) {
  return HWY_DYNAMIC_DISPATCH(MakeCasesInFloat)(sample);
}
template <>
std::vector<KernelCase> make_kernel_cases<double>(const std::shared_ptr<const Sample>& sample) {
  return HWY_DYNAMIC_DISPATCH(MakeCasesInDouble)(sample);
}
template <>
double run_peak<float>() {
  return HWY_DYNAMIC_DISPATCH(PeakInFloat)();
}
template <>
double run_peak<double>() {
  return HWY_DYNAMIC_DISPATCH(PeakInDouble)();
}

}  // namespace grapevine::kernel_bench
#endif
