#include "models/reann/input_scaling.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include "models/reann/angular.hpp"

namespace grapevine::reann {
namespace {

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// b [components][K] of a centre, with the coefficients of pass 0.
std::vector<double> density(const Parameters& p, const EdgeBlock<double>& edges, std::span<const int> species_of) {
  const AngularBasis basis(p.max_order);
  const auto K = static_cast<std::size_t>(p.waves);
  std::vector<double> b(static_cast<std::size_t>(basis.size()) * K);
  std::vector<double> component(static_cast<std::size_t>(basis.size()));
  for (std::size_t e = 0; e < static_cast<std::size_t>(edges.edges()); ++e) {
    const double d[3] = {edges.x[e], edges.y[e], edges.z[e]};
    const int j = species_of[static_cast<std::size_t>(edges.neighbour[e])];
    basis.evaluate(d, component.data());
    for (std::size_t k = 0; k < K; ++k) {
      const double w = p.initial_coefficient[static_cast<std::size_t>(j) * K + k] *
                       radial_function(p, j, static_cast<int>(k), std::hypot(d[0], d[1], d[2]));
      for (std::size_t c = 0; c < component.size(); ++c) b[c * K + k] += w * component[c];
    }
  }
  return b;
}

/// rho [M] of pass t for densities b.
std::vector<double> invariants(const Parameters& p, int t, const AngularBasis& basis, const std::vector<double>& b) {
  const auto K = static_cast<std::size_t>(p.waves);
  const auto M = static_cast<std::size_t>(p.orbitals);
  std::vector<double> rho(M);
  for (int l = 0; l <= p.max_order; ++l) {
    const double* H = &p.mixing[(static_cast<std::size_t>(t) * (p.max_order + 1) + l) * K * M];
    for (int c = basis.first(l); c < basis.first(l + 1); ++c)
      for (std::size_t m = 0; m < M; ++m) {
        double h = 0;
        for (std::size_t k = 0; k < K; ++k) h += b[static_cast<std::size_t>(c) * K + k] * H[k * M + m];
        rho[m] += basis.multiplicity(c) * h * h;
      }
  }
  return rho;
}

/// Mean and variance of the invariants rho_m of pass t for each species.
class InvariantStatistics {
 public:
  InvariantStatistics(const Parameters& p, int t)
      : p_(p),
        t_(t),
        basis_(p.max_order),
        count_(p.species.size()),
        mean_(product(static_cast<int>(p.species.size()), p.orbitals)),
        square_(mean_.size()) {}

  void add(int species, const std::vector<double>& b) {
    const auto M = static_cast<std::size_t>(p_.orbitals);
    ++count_[static_cast<std::size_t>(species)];
    const std::vector<double> rho = invariants(p_, t_, basis_, b);
    for (std::size_t m = 0; m < M; ++m) {
      const std::size_t at = static_cast<std::size_t>(species) * M + m;
      const double off = rho[m] - mean_[at];
      mean_[at] += off / static_cast<double>(count_[static_cast<std::size_t>(species)]);
      square_[at] += off * (rho[m] - mean_[at]);
    }
  }

  InputScaling::Rho scaling(int species) const {
    const auto M = static_cast<std::size_t>(p_.orbitals);
    InputScaling::Rho rho{std::vector<double>(M, 0.0), std::vector<double>(M, 1.0)};
    const auto count = static_cast<double>(count_[static_cast<std::size_t>(species)]);
    if (count == 0) return rho;
    for (std::size_t m = 0; m < M; ++m) {
      const std::size_t at = static_cast<std::size_t>(species) * M + m;
      const double scale = std::max(std::sqrt(square_[at] / count), least_deviation * mean_[at]);
      if (scale <= 0) continue;
      rho.mean[m] = mean_[at];
      rho.deviation[m] = scale;
    }
    return rho;
  }

 private:
  // Atoms that are all alike would be taken for very different ones.
  static constexpr double least_deviation = 0.05;

  const Parameters& p_;
  int t_;
  AngularBasis basis_;
  std::vector<std::size_t> count_;  // [species]
  std::vector<double> mean_;        // [species][M]
  std::vector<double> square_;      // [species][M] sum of squares off the mean
};

/// Calls function(weight, bias, mean, deviation) for all weights of the first linear maps of all networks.
template <class Function>
void for_each_input_weight(Parameters& p, const InputScaling& scaling, const Function& function) {
  for (std::size_t t = 0; t < scaling.of.size(); ++t) {
    std::vector<Network>& networks = t < p.message.size() ? p.message[t] : p.readout;
    for (std::size_t s = 0; s < networks.size(); ++s) {
      Linear& linear = networks[s].input;
      const InputScaling::Rho& rho = scaling.of[t][s];
      const std::size_t M = rho.mean.size();
      for (std::size_t o = 0; o < linear.bias.size(); ++o)
        for (std::size_t m = 0; m < M; ++m)
          function(linear.weight[o * M + m], linear.bias[o], rho.mean[m], rho.deviation[m]);
    }
  }
}

}  // namespace

InputScaling scaling_of_inputs(const Parameters& parameters, const Graph& sample) {
  std::vector<InvariantStatistics> passes;
  for (int t = 0; t <= parameters.layers; ++t) passes.emplace_back(parameters, t);
  EdgeBlock<double> edges;
  for (const int i : sample.centres()) {
    sample.edges({&i, 1}, edges);
    const std::vector<double> b = density(parameters, edges, sample.species());
    for (InvariantStatistics& pass : passes) pass.add(sample.species()[static_cast<std::size_t>(i)], b);
  }
  InputScaling scaling;
  for (const InvariantStatistics& pass : passes) {
    auto& of_pass = scaling.of.emplace_back();
    for (std::size_t s = 0; s < parameters.species.size(); ++s) of_pass.push_back(pass.scaling(static_cast<int>(s)));
  }
  return scaling;
}

std::vector<double> least_densities(const Parameters& parameters, const InputScaling& scaling, const Graph& graph,
                                    std::span<const int> centres) {
  const AngularBasis basis(parameters.max_order);
  std::vector<double> least(parameters.species.size(), std::numeric_limits<double>::infinity());
  EdgeBlock<double> edges;
  for (const int i : centres) {
    graph.edges({&i, 1}, edges);
    const auto s = static_cast<std::size_t>(graph.species()[static_cast<std::size_t>(i)]);
    const std::vector<double> b = density(parameters, edges, graph.species());
    const std::vector<double> rho = invariants(parameters, parameters.layers, basis, b);
    const std::vector<double>& mean = scaling.of.back()[s].mean;
    double ratio = 0;
    for (std::size_t m = 0; m < rho.size(); ++m)
      if (mean[m] > 0) ratio += rho[m] / mean[m] / static_cast<double>(rho.size());
    least[s] = std::min(least[s], ratio);
  }
  return least;
}

void scale_inputs(Parameters& parameters, const InputScaling& scaling) {
  for_each_input_weight(parameters, scaling, [](double& weight, double& bias, double mean, double deviation) {
    bias += weight * mean;
    weight *= deviation;
  });
}

void unscale_inputs(Parameters& parameters, const InputScaling& scaling) {
  for_each_input_weight(parameters, scaling, [](double& weight, double& bias, double mean, double deviation) {
    weight /= deviation;
    bias -= weight * mean;
  });
}

void scale_input_gradients(Parameters& gradient, const InputScaling& scaling) {
  for_each_input_weight(gradient, scaling, [](double& weight, const double& bias, double mean, double deviation) {
    weight = (weight - bias * mean) / deviation;
  });
}

}  // namespace grapevine::reann
