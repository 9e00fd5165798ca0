#include "models/core/cored_potential.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "support/error.hpp"

namespace grapevine {
namespace {

/// The edges of a block that are within the core, found by one comparison for nearly every other.
class CoreReach {
 public:
  explicit CoreReach(const Core& core) : core_(core) {
    const std::size_t species = core.species();
    for (std::size_t a = 0; a < species; ++a) {
      double longest = 0;
      for (std::size_t b = 0; b < species; ++b) {
        const double outer = core.pair(a, b).outer;
        squares_.push_back(outer * outer);
        longest = std::max(longest, outer);
      }
      longest_.push_back(longest * longest);
    }
  }

  /// Calls function(centre, edge, value, distance) for each edge within the core.
  template <class Real, class Function>
  void for_each(const EdgeBlock<Real>& edges, std::span<const int> species, const Function& function) const {
    const auto a = static_cast<std::size_t>(edges.species);
    const auto limit = static_cast<Real>(longest_[a]);
    if (!any_within(edges, limit)) return;
    for (int c = 0; c < edges.centres(); ++c)
      for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
        const double square = square_of(edges, e);
        if (square >= longest_[a]) continue;
        const auto b = static_cast<std::size_t>(species[static_cast<std::size_t>(edges.neighbour[e])]);
        if (square >= squares_[a * core_.species() + b]) continue;
        const double distance = std::sqrt(square);
        function(c, e, core_value(core_, a, b, distance), distance);
      }
  }

 private:
  template <class Real>
  static double square_of(const EdgeBlock<Real>& edges, int e) {
    const double x = edges.x[e], y = edges.y[e], z = edges.z[e];
    return x * x + y * y + z * z;
  }

  /// Without a jump, so that compilers do several edges at once. Rounding may let some through, and none be missed.
  template <class Real>
  static bool any_within(const EdgeBlock<Real>& edges, Real limit) {
    const Real* x = edges.x.data();
    const Real* y = edges.y.data();
    const Real* z = edges.z.data();
    const Real slack = limit * Real(1.001);
    int found = 0;
    for (int e = 0; e < edges.edges(); ++e) found |= x[e] * x[e] + y[e] * y[e] + z[e] * z[e] < slack;
    return found != 0;
  }

  Core core_;
  std::vector<double> squares_;  // [species][species] of outer radii
  std::vector<double> longest_;  // [species] the largest of them
};

/// Adds the core in the pass that gives the energies; the others are the inner model's.
template <class Real>
class CoredModel final : public Model<Real> {
 public:
  CoredModel(std::shared_ptr<const Model<Real>> inner, const Core& core) : inner_(std::move(inner)), reach_(core) {}

  double cutoff() const override { return inner_->cutoff(); }
  int layers() const override { return inner_->layers(); }
  int width(int t) const override { return inner_->width(t); }
  int stride(int t) const override { return inner_->stride(t); }
  int state_width(int t) const override { return inner_->state_width(t); }
  bool gives_edge_gradient(int t) const override { return t == layers() || inner_->gives_edge_gradient(t); }
  int block_size() const override { return inner_->block_size(); }

  std::unique_ptr<Workspace> make_workspace() const override { return inner_->make_workspace(); }

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override {
    inner_->forward(t, block, workspace);
  }

  void readout(const Block<Real>& block, Workspace& workspace) const override {
    inner_->readout(block, workspace);
    if (!inner_->gives_edge_gradient(layers())) std::fill_n(block.edge_gradient, 4 * block.edges.edges(), Real(0));
    reach_.for_each(block.edges, block.species, [&](int c, int e, const CoreValue& value, double distance) {
      block.energy[c] += 0.5 * value.energy;
      const double factor = 0.5 * value.slope / distance;
      Real* gradient = block.edge_gradient + 4 * static_cast<std::ptrdiff_t>(e);
      gradient[0] += static_cast<Real>(factor * block.edges.x[e]);
      gradient[1] += static_cast<Real>(factor * block.edges.y[e]);
      gradient[2] += static_cast<Real>(factor * block.edges.z[e]);
    });
  }

  void backward(int t, const Block<Real>& block, Workspace& workspace) const override {
    inner_->backward(t, block, workspace);
  }

  void forward_with_tangents(int t, const TangentBlock<Real>& block, Workspace& workspace) const override {
    inner_->forward_with_tangents(t, block, workspace);
    if (t < layers()) return;
    reach_.for_each(block.edges, block.species, [&](int c, int e, const CoreValue& value, double distance) {
      double* jet = block.energy + static_cast<std::ptrdiff_t>(jet_size) * c;
      jet[0] += 0.5 * value.energy;
      const double factor = 0.5 * value.slope / distance;
      for (int n = 0; n < tangent_count; ++n) {
        const double change = static_cast<double>(block.edges.x[e]) * block.tangents.change(n, 0)[e] +
                              static_cast<double>(block.edges.y[e]) * block.tangents.change(n, 1)[e] +
                              static_cast<double>(block.edges.z[e]) * block.tangents.change(n, 2)[e];
        jet[1 + n] += factor * change;
      }
    });
  }

 private:
  std::shared_ptr<const Model<Real>> inner_;
  CoreReach reach_;
};

class CoredPotential final : public Potential {
 public:
  CoredPotential(std::shared_ptr<const Potential> inner, const Core& core) : inner_(std::move(inner)), core_(core) {
    if (core_.species() != inner_->species().size()) throw Error("core: not of as many species as the model");
    check(core_, inner_->cutoff());
  }

  const std::vector<std::string>& species() const override { return inner_->species(); }
  double cutoff() const override { return inner_->cutoff(); }
  int layers() const override { return inner_->layers(); }
  int width(int t) const override { return inner_->width(t); }
  std::size_t parameter_count() const override { return inner_->parameter_count(); }
  double reference_energy(int species) const override { return inner_->reference_energy(species); }

  std::shared_ptr<const Model<double>> model_in_double() const override {
    return std::make_shared<CoredModel<double>>(inner_->model_in_double(), core_);
  }
  std::shared_ptr<const Model<float>> model_in_mixed() const override {
    return std::make_shared<CoredModel<float>>(inner_->model_in_mixed(), core_);
  }

 private:
  std::shared_ptr<const Potential> inner_;
  Core core_;
};

}  // namespace

std::shared_ptr<const Potential> with_core(std::shared_ptr<const Potential> potential, const Core& core) {
  return std::make_shared<CoredPotential>(std::move(potential), core);
}

}  // namespace grapevine
