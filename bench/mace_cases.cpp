#include "mace_cases.hpp"

#include <memory>
#include <string>

#include "equivariant_reference.hpp"
#include "mace_random.hpp"
#include "models/equivariant/radial_spline.hpp"
#include "models/mace/model.hpp"
#include "models/mace/monomials.hpp"
#include "passes.hpp"

namespace grapevine::kernel_bench {
namespace {

constexpr unsigned mace_seed = 1;

/// Floating point operations of a pass from the sizes alone; a fused multiply-add is two. What is not counted:
/// geometry, harmonics and their couplings, sums over lanes, readouts.
struct MaceFlops {
  double per_edge = 0;
  double per_atom = 0;

  double of(double edges, double atoms) const { return per_edge * edges + per_atom * atoms; }
};

struct MaceCouplings {
  int pairs = 0;  // of components of feature and product
  int terms = 0;
};

MaceCouplings couplings(int l1, int l2, int l3) {
  MaceCouplings count;
  for (int m1 = 0; m1 <= 2 * l1; ++m1)
    for (int m3 = 0; m3 <= 2 * l3; ++m3) {
      int terms = 0;
      for (int m2 = 0; m2 <= 2 * l2; ++m2) terms += test::wigner_3j(l1, l2, l3, m1, m2, m3) != 0 ? 1 : 0;
      count.pairs += terms > 0 ? 1 : 0;
      count.terms += terms;
    }
  return count;
}

double multiply_adds(const equivariant::EquivariantLinear& linear) {
  double sum = 0;
  for (const auto& part : linear.parts)
    sum += static_cast<double>(part.weight.size()) * linear.inputs[static_cast<std::size_t>(part.input)].components();
  return sum;
}

double multiply_adds(const mace::Interaction& x) {
  double sum = multiply_adds(x.mix_messages) + multiply_adds(x.mix_product);
  if (!x.self_connection.empty()) sum += multiply_adds(x.self_connection[0]);
  return sum;
}

double products(const mace::Interaction& x) {
  return static_cast<double>(mace::Monomials(x.contractions).coefficients()) * x.message.front().channels;
}

MaceFlops forward_flops(const mace::Interaction& x) {
  MaceFlops flops;
  for (const equivariant::Path& path : x.paths) {
    const equivariant::Irreps& from = x.edge_input()[static_cast<std::size_t>(path.input)];
    const MaceCouplings count = couplings(from.order, path.edge_order, path.order);
    flops.per_edge +=
        from.channels * (2 * (equivariant::RadialSpline::coefficients - 1) + from.components() + 2 * count.pairs);
  }
  flops.per_atom = 2 * (multiply_adds(x) + products(x));
  return flops;
}

MaceFlops backward_flops(const mace::Interaction& x, bool first) {
  MaceFlops flops;
  for (const equivariant::Path& path : x.paths) {
    const equivariant::Irreps& from = x.edge_input()[static_cast<std::size_t>(path.input)];
    const MaceCouplings count = couplings(from.order, path.edge_order, path.order);
    const int radial = 2 * (2 * equivariant::RadialSpline::coefficients - 3) + 2;
    const int features = (first ? 2 : 4) * from.components();
    const int harmonics = path.edge_order == 0 ? 0 : from.components() + count.pairs + 2 * count.terms;
    flops.per_edge += from.channels * (radial + features + 2 * count.pairs + harmonics);
  }
  flops.per_atom = 2 * (multiply_adds(x) + 2 * products(x));
  return flops;
}

template <class Real>
void add_cases(const std::string& name, const test::MaceSizes& sizes, const std::shared_ptr<const System>& water,
               std::vector<KernelCase>& cases) {
  const auto parameters = std::make_shared<const mace::Parameters>(test::random_parameters(sizes, mace_seed));
  const std::shared_ptr<const Model<Real>> model = mace::make_mace_model<Real>(parameters);
  const auto passes = std::make_shared<Passes<Real>>(water, model);
  const auto evaluation = std::make_shared<Evaluation<Real>>(water, model);
  const double atoms = water->graph.own();
  const double edges = passes->edge_count();
  const mace::Interaction& first = parameters->interactions[0];
  const mace::Interaction& last = parameters->interactions[1];
  const double mix_input = 2 * multiply_adds(last.mix_input) * atoms;
  const double forward = forward_flops(first).of(edges, atoms) + mix_input;
  const double readout = forward_flops(last).of(edges, atoms) + backward_flops(last, false).of(edges, atoms);
  const double backward = backward_flops(first, true).of(edges, atoms) + mix_input;
  cases.push_back({name + "/forward", [passes] { passes->forward(); }, forward, "atom", atoms});
  cases.push_back({name + "/readout", [passes] { passes->readout(); }, readout, "atom", atoms});
  cases.push_back({name + "/backward", [passes] { passes->backward(); }, backward, "atom", atoms});
  cases.push_back(
      {name + "/evaluate", [evaluation] { evaluation->run(); }, forward + readout + backward, "atom", atoms});
}

}  // namespace

template <class Real>
std::vector<KernelCase> make_mace_cases(const std::shared_ptr<const System>& water) {
  test::MaceSizes sizes{.species = {"H", "O"},
                        .cutoff = 5,
                        .channels = 32,
                        .orders = {0, 0},
                        .basis = 8,
                        .radial_widths = {64, 64, 64},
                        .readout_widths = {16}};
  std::vector<KernelCase> cases;
  add_cases<Real>("32x0e", sizes, water, cases);
  sizes.channels = 128;
  add_cases<Real>("128x0e", sizes, water, cases);
  sizes.orders = {1, 0};
  add_cases<Real>("128x0e+128x1o", sizes, water, cases);
  return cases;
}

template std::vector<KernelCase> make_mace_cases<float>(const std::shared_ptr<const System>& water);
template std::vector<KernelCase> make_mace_cases<double>(const std::shared_ptr<const System>& water);

}  // namespace grapevine::kernel_bench
