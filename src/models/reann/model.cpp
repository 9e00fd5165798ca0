#include "models/reann/model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace grapevine::reann {

namespace {

constexpr int vector_length = 8;

int padded(int waves) { return (waves + vector_length - 1) / vector_length * vector_length; }

template <class Real>
std::vector<Real> pad_rows(const std::vector<double>& values, int waves) {
  const int stride = padded(waves);
  const std::size_t rows = values.size() / static_cast<std::size_t>(waves);
  std::vector<Real> result(rows * stride, Real(0));
  for (std::size_t r = 0; r < rows; ++r)
    for (int k = 0; k < waves; ++k) result[r * stride + k] = static_cast<Real>(values[r * waves + k]);
  return result;
}

template <class Real>
std::array<Real, 3> edge_vector(const EdgeBlock& edges, int e) {
  const double* d = &edges.vector[3 * static_cast<std::size_t>(e)];
  return {static_cast<Real>(d[0]), static_cast<Real>(d[1]), static_cast<Real>(d[2])};
}

// The first linear map behind the density, as a map from the distinct Gram entries (order, k <= k').
std::vector<double> fuse(const Parameters& parameters, int t, const Linear& linear) {
  const int K = parameters.waves;
  const int M = parameters.orbitals;
  std::vector<double> fused;
  for (int o = 0; o < linear.outputs; ++o)
    for (int l = 0; l <= parameters.max_order; ++l) {
      const double* H = &parameters.mixing[(static_cast<std::size_t>(t) * (parameters.max_order + 1) + l) * K * M];
      for (int k = 0; k < K; ++k)
        for (int q = k; q < K; ++q) {
          double sum = 0;
          for (int m = 0; m < M; ++m)
            sum += linear.weight[static_cast<std::size_t>(o) * M + m] * H[k * M + m] * H[q * M + m];
          fused.push_back(k == q ? sum : 2 * sum);
        }
    }
  return fused;
}

}  // namespace

template <class Real>
struct ReannModel<Real>::Scratch final : Workspace {
  std::vector<Real> radial;        // [edges][stride] R_k f_c
  std::vector<Real> d_radial;      // [edges][stride] its derivative by r
  std::vector<Real> components;    // [components]
  std::vector<Real> weights;       // [components]
  std::vector<Real> coefficients;  // [T + 1][stride]
  std::vector<int> order;          // centres of a block, sorted by species
  std::vector<Real> density;       // [components][waves][lanes]
  std::vector<Real> d_density;     // the same
  std::vector<Real> gram;          // [gram][lanes]
  std::vector<Real> hidden;        // [widest][lanes]
  std::vector<Real> output;        // [outputs][lanes]
  std::vector<Real> tape;
  std::vector<Real> network;
};

template <class Real>
ReannModel<Real>::ReannModel(const Parameters& parameters)
    : basis_(parameters.max_order),
      cutoff_(parameters.cutoff),
      waves_(parameters.waves),
      stride_(padded(parameters.waves)),
      layers_(parameters.layers),
      gram_size_((parameters.max_order + 1) * parameters.waves * (parameters.waves + 1) / 2),
      radial_exponent_(pad_rows<Real>(parameters.radial_exponent, parameters.waves)),
      radial_centre_(pad_rows<Real>(parameters.radial_centre, parameters.waves)),
      initial_coefficient_(pad_rows<Real>(parameters.initial_coefficient, parameters.waves)),
      energy_shift_(parameters.energy_shift) {
  for (int t = 0; t <= layers_; ++t) {
    std::vector<AtomKernel>& kernels = kernels_.emplace_back();
    for (const Network& network : t < layers_ ? parameters.message[t] : parameters.readout)
      kernels.push_back(make_atom_kernel(parameters, t, network));
  }
}

template <class Real>
typename ReannModel<Real>::AtomKernel ReannModel<Real>::make_atom_kernel(const Parameters& parameters, int t,
                                                                         const Network& network) const {
  return {LinearKernel<Real>(gram_size_, network.input.outputs, fuse(parameters, t, network.input), network.input.bias),
          NetworkKernel<Real>(network)};
}

template <class Real>
std::unique_ptr<Workspace> ReannModel<Real>::make_workspace() const {
  constexpr std::size_t n = lanes<Real>;
  auto scratch = std::make_unique<Scratch>();
  std::size_t widest = 1;
  std::size_t outputs = 1;
  std::size_t tape = 0;
  for (const auto& kernels : kernels_)
    for (const AtomKernel& kernel : kernels) {
      widest = std::max<std::size_t>(widest, kernel.network.widest());
      outputs = std::max<std::size_t>(outputs, kernel.network.outputs());
      tape = std::max(tape, kernel.network.tape_size());
    }
  const std::size_t components = basis_.size();
  scratch->components.resize(components);
  scratch->weights.resize(components);
  scratch->coefficients.resize(static_cast<std::size_t>(layers_ + 1) * stride_);
  scratch->density.resize(components * waves_ * n);
  scratch->d_density.resize(components * waves_ * n);
  scratch->gram.resize(gram_size_ * n);
  scratch->hidden.resize(widest * n);
  scratch->output.resize(outputs * n);
  scratch->tape.resize(tape);
  scratch->network.resize(2 * widest * n);
  return scratch;
}

template <class Real>
void ReannModel<Real>::forward(int t, const Block<Real>& block, Workspace& workspace) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  compute_radial(block, scratch);
  sum_density(t, block, scratch);
  atoms_forward(t, block, scratch);
}

template <class Real>
void ReannModel<Real>::readout(const Block<Real>& block, Workspace& workspace) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  compute_radial(block, scratch);
  sum_density(layers_, block, scratch);
  atoms_backward(layers_, block, scratch);
  if (layers_ > 0)
    add_coefficient_gradients(layers_, block, scratch);
  else
    compute_edge_gradients(block, scratch);
}

template <class Real>
void ReannModel<Real>::backward(int t, const Block<Real>& block, Workspace& workspace) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  compute_radial(block, scratch);
  atoms_backward(t, block, scratch);
  if (t > 0)
    add_coefficient_gradients(t, block, scratch);
  else
    compute_edge_gradients(block, scratch);
}

// State of pass t is b^(t) after the forward pass and dE/db^(t) after the backward pass.
template <class Real>
Real* ReannModel<Real>::state_row(int t, const Block<Real>& block, int atom) const {
  return block.state[t] + static_cast<std::size_t>(atom) * basis_.size() * stride_;
}

template <class Real>
void ReannModel<Real>::load_coefficients(int t, const Block<Real>& block, int atom, Real* coefficients) const {
  if (t == 0) {
    std::copy_n(&initial_coefficient_[static_cast<std::size_t>(block.species[atom]) * stride_], stride_, coefficients);
  } else {
    std::copy_n(block.features[t] + static_cast<std::size_t>(atom) * waves_, waves_, coefficients);
    std::fill(coefficients + waves_, coefficients + stride_, Real(0));
  }
}

template <class Real>
void ReannModel<Real>::compute_radial(const Block<Real>& block, Scratch& scratch) const {
  const EdgeBlock& edges = block.edges;
  const std::size_t size = static_cast<std::size_t>(edges.edges()) * stride_;
  if (scratch.radial.size() < size) {
    scratch.radial.resize(size);
    scratch.d_radial.resize(size);
  }
  const Real frequency = static_cast<Real>(std::numbers::pi / cutoff_);
  for (int e = 0; e < edges.edges(); ++e) {
    const double* d = &edges.vector[3 * static_cast<std::size_t>(e)];
    const Real r = static_cast<Real>(std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]));
    const Real half = Real(0.5) * std::cos(frequency * r) + Real(0.5);
    const Real cut = half * half;
    const Real d_cut = -half * frequency * std::sin(frequency * r);
    const std::size_t species = static_cast<std::size_t>(block.species[edges.neighbour[e]]) * stride_;
    Real* value = &scratch.radial[static_cast<std::size_t>(e) * stride_];
    Real* derivative = &scratch.d_radial[static_cast<std::size_t>(e) * stride_];
    for (int k = 0; k < stride_; ++k) {
      const Real x = r - radial_centre_[species + k];
      const Real gaussian = std::exp(radial_exponent_[species + k] * x * x);
      value[k] = gaussian * cut;
      derivative[k] = gaussian * (d_cut + Real(2) * radial_exponent_[species + k] * x * cut);
    }
  }
}

template <class Real>
void ReannModel<Real>::sum_density(int t, const Block<Real>& block, Scratch& scratch) const {
  const EdgeBlock& edges = block.edges;
  Real* coefficients = scratch.coefficients.data();
  Real* component = scratch.components.data();
  for (int c = 0; c < edges.centres(); ++c) {
    Real* density = state_row(t, block, edges.centre[c]);
    std::fill_n(density, basis_.size() * stride_, Real(0));
    for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
      basis_.evaluate(edge_vector<Real>(edges, e).data(), component);
      load_coefficients(t, block, edges.neighbour[e], coefficients);
      const Real* radial = &scratch.radial[static_cast<std::size_t>(e) * stride_];
      for (int v = 0; v < stride_; v += vector_length) {
        Real wave[vector_length];
        for (int k = 0; k < vector_length; ++k) wave[k] = coefficients[v + k] * radial[v + k];
        for (int p = 0; p < basis_.size(); ++p)
          for (int k = 0; k < vector_length; ++k) density[p * stride_ + v + k] += wave[k] * component[p];
      }
    }
  }
}

template <class Real>
void ReannModel<Real>::add_coefficient_gradients(int t, const Block<Real>& block, Scratch& scratch) const {
  const EdgeBlock& edges = block.edges;
  Real* component = scratch.components.data();
  for (int c = 0; c < edges.centres(); ++c) {
    const Real* d_density = state_row(t, block, edges.centre[c]);
    for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
      basis_.evaluate(edge_vector<Real>(edges, e).data(), component);
      const Real* radial = &scratch.radial[static_cast<std::size_t>(e) * stride_];
      Real* gradient = block.gradients[t] + static_cast<std::size_t>(edges.neighbour[e]) * waves_;
      for (int v = 0; v < stride_; v += vector_length) {
        Real sum[vector_length] = {};
        for (int p = 0; p < basis_.size(); ++p)
          for (int k = 0; k < vector_length; ++k) sum[k] += d_density[p * stride_ + v + k] * component[p];
        const int count = std::min(vector_length, waves_ - v);
        for (int k = 0; k < count; ++k) gradient[v + k] += sum[k] * radial[v + k];
      }
    }
  }
}

// All layers meet at the edge: sum_t c_j^(t)[k] dE/db_i^(t)[p][k] is one (p, k) matrix, differentiated once.
template <class Real>
void ReannModel<Real>::compute_edge_gradients(const Block<Real>& block, Scratch& scratch) const {
  const EdgeBlock& edges = block.edges;
  Real* component = scratch.components.data();
  Real* weight = scratch.weights.data();
  for (int c = 0; c < edges.centres(); ++c) {
    for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
      const std::array<Real, 3> d = edge_vector<Real>(edges, e);
      basis_.evaluate(d.data(), component);
      for (int t = 0; t <= layers_; ++t)
        load_coefficients(t, block, edges.neighbour[e], &scratch.coefficients[static_cast<std::size_t>(t) * stride_]);
      const Real* radial = &scratch.radial[static_cast<std::size_t>(e) * stride_];
      const Real* d_radial = &scratch.d_radial[static_cast<std::size_t>(e) * stride_];
      std::fill_n(weight, basis_.size(), Real(0));
      Real along = 0;
      for (int v = 0; v < stride_; v += vector_length) {
        Real sum[vector_length] = {};
        for (int p = 0; p < basis_.size(); ++p) {
          Real row[vector_length] = {};
          for (int t = 0; t <= layers_; ++t) {
            const Real* d_density = state_row(t, block, edges.centre[c]) + p * stride_ + v;
            const Real* coefficients = &scratch.coefficients[static_cast<std::size_t>(t) * stride_ + v];
            for (int k = 0; k < vector_length; ++k) row[k] += d_density[k] * coefficients[k];
          }
          Real along_component = 0;
          for (int k = 0; k < vector_length; ++k) {
            sum[k] += row[k] * component[p];
            along_component += row[k] * radial[v + k];
          }
          weight[p] += along_component;
        }
        for (int k = 0; k < vector_length; ++k) along += sum[k] * d_radial[v + k];
      }
      Real* gradient = block.edge_gradient + 3 * static_cast<std::size_t>(e);
      basis_.gradient(component, weight, gradient);
      const Real r = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      for (int x = 0; x < 3; ++x) gradient[x] += along * d[x] / r;
    }
  }
}

// Calls function(species, atoms) for groups of up to `lanes` centres of one species.
template <class Real>
template <class Function>
void ReannModel<Real>::for_each_group(const Block<Real>& block, Scratch& scratch, const Function& function) const {
  const auto species_of = [&](int atom) { return block.species[atom]; };
  std::vector<int>& order = scratch.order;
  order.assign(block.edges.centre.begin(), block.edges.centre.end());
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return species_of(a) < species_of(b); });
  for (auto begin = order.begin(); begin != order.end();) {
    auto end = begin;
    while (end != order.end() && end - begin < lanes<Real> && species_of(*end) == species_of(*begin)) ++end;
    function(species_of(*begin), std::span<const int>(begin, end));
    begin = end;
  }
}

// From the densities of a group to scratch.output, leaving what the backward direction needs in scratch.
template <class Real>
void ReannModel<Real>::group_forward(int t, const Block<Real>& block, int species, std::span<const int> atoms,
                                     Scratch& scratch) const {
  const AtomKernel& kernel = kernels_[t][species];
  load_lanes(t, block, atoms, scratch);
  gram_forward(scratch.density.data(), scratch.gram.data());
  linear_forward(kernel.fused, scratch.gram.data(), scratch.hidden.data());
  kernel.network.forward(scratch.hidden.data(), scratch.output.data(), scratch.tape.data(), scratch.network.data());
}

template <class Real>
void ReannModel<Real>::atoms_forward(int t, const Block<Real>& block, Scratch& scratch) const {
  constexpr int n = lanes<Real>;
  for_each_group(block, scratch, [&](int species, std::span<const int> atoms) {
    group_forward(t, block, species, atoms, scratch);
    for (std::size_t lane = 0; lane < atoms.size(); ++lane) {
      load_coefficients(t, block, atoms[lane], scratch.coefficients.data());
      Real* next = block.features[t + 1] + static_cast<std::size_t>(atoms[lane]) * waves_;
      for (int k = 0; k < waves_; ++k) next[k] = scratch.coefficients[k] + scratch.output[k * n + lane];
    }
  });
}

template <class Real>
void ReannModel<Real>::atoms_backward(int t, const Block<Real>& block, Scratch& scratch) const {
  constexpr int n = lanes<Real>;
  for_each_group(block, scratch, [&](int species, std::span<const int> atoms) {
    const AtomKernel& kernel = kernels_[t][species];
    group_forward(t, block, species, atoms, scratch);
    if (t == layers_)
      take_energies(block, atoms, scratch);
    else
      take_feature_gradients(t, block, atoms, scratch);
    kernel.network.backward(scratch.output.data(), scratch.hidden.data(), scratch.tape.data(), scratch.network.data());
    linear_backward(kernel.fused, scratch.hidden.data(), scratch.gram.data());
    gram_backward(scratch.density.data(), scratch.gram.data(), scratch.d_density.data());
    for (std::size_t lane = 0; lane < atoms.size(); ++lane) {
      Real* row = state_row(t, block, atoms[lane]);
      for (int p = 0; p < basis_.size(); ++p)
        for (int k = 0; k < waves_; ++k) row[p * stride_ + k] = scratch.d_density[(p * waves_ + k) * n + lane];
    }
  });
}

// Densities of a group, transposed so that atoms lie side by side.
template <class Real>
void ReannModel<Real>::load_lanes(int t, const Block<Real>& block, std::span<const int> atoms, Scratch& scratch) const {
  constexpr int n = lanes<Real>;
  if (static_cast<int>(atoms.size()) < n) std::fill(scratch.density.begin(), scratch.density.end(), Real(0));
  for (std::size_t lane = 0; lane < atoms.size(); ++lane) {
    const Real* row = state_row(t, block, atoms[lane]);
    for (int p = 0; p < basis_.size(); ++p)
      for (int k = 0; k < waves_; ++k) scratch.density[(p * waves_ + k) * n + lane] = row[p * stride_ + k];
  }
}

// Takes the energies out of scratch.output and leaves dE/d(output) = 1 there.
template <class Real>
void ReannModel<Real>::take_energies(const Block<Real>& block, std::span<const int> atoms, Scratch& scratch) const {
  for (std::size_t lane = 0; lane < atoms.size(); ++lane)
    block.energy[atoms[lane]] = static_cast<double>(scratch.output[lane]) + energy_shift_[block.species[atoms[lane]]];
  std::fill_n(scratch.output.begin(), lanes<Real>, Real(1));
}

// Puts dE/dc^(t+1) into scratch.output; c^(t+1) = c^(t) + network, so that c^(t) gets the same gradient directly.
template <class Real>
void ReannModel<Real>::take_feature_gradients(int t, const Block<Real>& block, std::span<const int> atoms,
                                              Scratch& scratch) const {
  constexpr int n = lanes<Real>;
  std::fill_n(scratch.output.begin(), waves_ * n, Real(0));
  for (std::size_t lane = 0; lane < atoms.size(); ++lane) {
    const std::size_t row = static_cast<std::size_t>(atoms[lane]) * waves_;
    for (int k = 0; k < waves_; ++k) {
      const Real gradient = block.gradients[t + 1][row + k];
      scratch.output[k * n + lane] = gradient;
      if (t > 0) block.gradients[t][row + k] += gradient;
    }
  }
}

// Calls function(p, k, q, entry) for every product b[p][k] b[p][q], k <= q, of the entry it belongs to.
template <class Real>
template <class Function>
void ReannModel<Real>::for_each_product(const Function& function) const {
  const int entries = waves_ * (waves_ + 1) / 2;
  for (int l = 0; l <= basis_.max_order(); ++l)
    for (int p = basis_.first(l); p < basis_.first(l + 1); ++p) {
      int entry = l * entries;
      for (int k = 0; k < waves_; ++k)
        for (int q = k; q < waves_; ++q) function(p, k, q, entry++);
    }
}

template <class Real>
void ReannModel<Real>::gram_forward(const Real* density, Real* gram) const {
  constexpr int n = lanes<Real>;
  std::fill_n(gram, gram_size_ * n, Real(0));
  for_each_product([&](int p, int k, int q, int entry) {
    const Real multiplicity = static_cast<Real>(basis_.multiplicity(p));
    const Real* first = density + (p * waves_ + k) * n;
    const Real* second = density + (p * waves_ + q) * n;
    for (int i = 0; i < n; ++i) gram[entry * n + i] += multiplicity * first[i] * second[i];
  });
}

template <class Real>
void ReannModel<Real>::gram_backward(const Real* density, const Real* d_gram, Real* d_density) const {
  constexpr int n = lanes<Real>;
  std::fill_n(d_density, basis_.size() * waves_ * n, Real(0));
  for_each_product([&](int p, int k, int q, int entry) {
    const Real multiplicity = static_cast<Real>(basis_.multiplicity(p));
    const int first = (p * waves_ + k) * n;
    const int second = (p * waves_ + q) * n;
    for (int i = 0; i < n; ++i) {
      const Real g = multiplicity * d_gram[entry * n + i];
      d_density[first + i] += g * density[second + i];
      d_density[second + i] += g * density[first + i];
    }
  });
}

template class ReannModel<double>;
template class ReannModel<float>;

ReannPotential::ReannPotential(Parameters parameters) : parameters_(std::move(parameters)) { check(parameters_); }

std::shared_ptr<const Model<double>> ReannPotential::model_in_double() const {
  return std::make_shared<ReannModel<double>>(parameters_);
}

std::shared_ptr<const Model<float>> ReannPotential::model_in_mixed() const {
  return std::make_shared<ReannModel<float>>(parameters_);
}

}  // namespace grapevine::reann
