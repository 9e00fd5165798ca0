#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "models/reann/angular.hpp"
#include "models/reann/network.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// REANN as a layered model. The features x_t of the engine are the orbital coefficients c^(t), K numbers per atom.
///
/// With b_i[p][k] = sum_j c_j[k] A_p(d_ij) R_k(r_ij) f_c(r_ij) the density is linear in the Gram matrices
/// G_l[k][k'] = sum_{p of order l} b[p][k] b[p][k'], so that mixing, square and the first linear map of the network
/// behind them are one matrix, applied to the (L + 1) K (K + 1) / 2 distinct entries of G.
template <class Real>
class ReannModel final : public Model<Real> {
 public:
  /// The parameters must have passed check().
  explicit ReannModel(const Parameters& parameters);

  double cutoff() const override { return cutoff_; }
  int layers() const override { return layers_; }
  int width(int) const override { return waves_; }
  int state_width(int) const override { return basis_.size() * stride_; }
  bool gives_edge_gradient(int t) const override { return t == 0; }
  int block_size() const override { return 64; }
  std::unique_ptr<Workspace> make_workspace() const override;

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override;
  void readout(const Block<Real>& block, Workspace& workspace) const override;
  void backward(int t, const Block<Real>& block, Workspace& workspace) const override;

 private:
  struct Scratch;
  /// What turns one species' Gram matrices into c^(t+1) - c^(t) or into an energy.
  struct AtomKernel {
    LinearKernel<Real> fused;  // Gram entries -> first hidden layer
    NetworkKernel<Real> network;
  };

  AtomKernel make_atom_kernel(const Parameters& parameters, int t, const Network& network) const;
  Real* state_row(int t, const Block<Real>& block, int atom) const;
  void load_coefficients(int t, const Block<Real>& block, int atom, Real* coefficients) const;

  void compute_radial(const Block<Real>& block, Scratch& scratch) const;
  void sum_density(int t, const Block<Real>& block, Scratch& scratch) const;
  void add_coefficient_gradients(int t, const Block<Real>& block, Scratch& scratch) const;
  void compute_edge_gradients(const Block<Real>& block, Scratch& scratch) const;

  template <class Function>
  void for_each_group(const Block<Real>& block, Scratch& scratch, const Function& function) const;
  void group_forward(int t, const Block<Real>& block, int species, std::span<const int> atoms, Scratch& scratch) const;
  void atoms_forward(int t, const Block<Real>& block, Scratch& scratch) const;
  void atoms_backward(int t, const Block<Real>& block, Scratch& scratch) const;
  void load_lanes(int t, const Block<Real>& block, std::span<const int> atoms, Scratch& scratch) const;
  void take_energies(const Block<Real>& block, std::span<const int> atoms, Scratch& scratch) const;
  void take_feature_gradients(int t, const Block<Real>& block, std::span<const int> atoms, Scratch& scratch) const;
  template <class Function>
  void for_each_product(const Function& function) const;
  void gram_forward(const Real* density, Real* gram) const;
  void gram_backward(const Real* density, const Real* d_gram, Real* d_density) const;

  AngularBasis basis_;
  double cutoff_;
  int waves_;
  int stride_;  // waves padded to whole vectors; the padding is zero throughout
  int layers_;
  int gram_size_;
  std::vector<Real> radial_exponent_;             // [species][stride]
  std::vector<Real> radial_centre_;               // [species][stride]
  std::vector<Real> initial_coefficient_;         // [species][stride]
  std::vector<std::vector<AtomKernel>> kernels_;  // [T + 1][species], the last is the readout
  std::vector<double> energy_shift_;              // [species]
};

extern template class ReannModel<double>;
extern template class ReannModel<float>;

/// A REANN potential for the engine, in either precision.
class ReannPotential final : public Potential {
 public:
  /// Throws Error if the parameters do not fit together.
  explicit ReannPotential(Parameters parameters);

  const std::vector<std::string>& species() const override { return parameters_.species; }
  double cutoff() const override { return parameters_.cutoff; }
  int layers() const override { return parameters_.layers; }
  int width(int) const override { return parameters_.waves; }
  std::size_t parameter_count() const override { return parameters_.count(); }
  std::shared_ptr<const Model<double>> model_in_double() const override;
  std::shared_ptr<const Model<float>> model_in_mixed() const override;

 private:
  Parameters parameters_;
};

}  // namespace grapevine::reann
