#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "engine/tangents.hpp"

namespace grapevine {

/// Scratch memory of one thread; each model derives its own.
class Workspace {
 public:
  virtual ~Workspace() = default;
};

/// Everything a model sees of one block of centres, which are all of one species. Arrays over atoms are indexed by row
/// (see Graph), not by place in the block.
template <class Real>
struct Block {
  const EdgeBlock<Real>& edges;
  std::span<const int> species;      ///< [own + ghosts]
  std::span<Real* const> features;   ///< [T + 1] x_t as [own + ghosts][stride(t)]; features[0] is null
  std::span<Real* const> gradients;  ///< [T + 1] dE/dx_t, same shapes; gradients[0] is null
  std::span<Real* const> state;      ///< [T + 1] what pass t leaves for later, as [own][state_width(t)]
  double* energy;                    ///< [centres] atomic energies in eV, written by readout
  Real* edge_gradient;               ///< [edges][4] dE/dd in eV/Angstrom, the fourth number means nothing; written by
                                     ///< the passes that give it
};

/// A layered message passing potential with T exchanges of features, evaluated in T + 1 passes over the edges:
///
///   pass t = 0 .. T - 1   forward(t):  x_{t+1}[i] from x_t[i] and the x_t[j] of the neighbours
///   pass t = T            readout:     E_i from x_T, and at once dE/dx_T and the rest of this pass's gradients
///   pass t = T - 1 .. 0   backward(t): given dE/dx_{t+1}[i], adds to dE/dx_t
///
/// x_0 follows from the species alone and is known everywhere, so it is neither stored nor exchanged. Every function
/// treats one block of centres: it writes x_{t+1}, state and energy of its centres only, and adds to the gradients of
/// its centres and of their neighbours, ghosts included. A model holds parameters, no results: its functions are
/// const and may run on several threads with a workspace each.
template <class Real>
class Model {
 public:
  virtual ~Model() = default;

  virtual double cutoff() const = 0;                  ///< Angstrom
  virtual int layers() const = 0;                     ///< T
  virtual int width(int t) const = 0;                 ///< numbers per atom in x_t, t = 1 .. T
  virtual int stride(int t) const = 0;                ///< numbers from one row of x_t to the next, >= width(t)
  virtual int state_width(int t) const = 0;           ///< numbers per own atom kept from pass t, t = 0 .. T
  virtual bool gives_edge_gradient(int t) const = 0;  ///< whether the gradient part of pass t fills edge_gradient
  virtual int block_size() const = 0;                 ///< centres per block that suit the kernels

  virtual std::unique_ptr<Workspace> make_workspace() const = 0;

  virtual void forward(int t, const Block<Real>& block, Workspace& workspace) const = 0;
  virtual void readout(const Block<Real>& block, Workspace& workspace) const = 0;
  virtual void backward(int t, const Block<Real>& block, Workspace& workspace) const = 0;

  /// forward(t), or for t = T the energies of readout, with the tangents of everything; nothing goes backward.
  virtual void forward_with_tangents(int t, const TangentBlock<Real>& block, Workspace& workspace) const = 0;
};

/// A potential read from a model file, in whatever precision the caller wants to run it.
class Potential {
 public:
  virtual ~Potential() = default;

  virtual const std::vector<std::string>& species() const = 0;  ///< chemical symbols, in the model's order
  virtual double cutoff() const = 0;                            ///< Angstrom
  virtual int layers() const = 0;                               ///< T
  virtual int width(int t) const = 0;                           ///< numbers per atom sent in layer t = 1 .. T
  virtual std::size_t parameter_count() const = 0;
  virtual double reference_energy(int species) const = 0;  ///< eV, in every atom's energy whatever its neighbours

  virtual std::shared_ptr<const Model<double>> model_in_double() const = 0;
  virtual std::shared_ptr<const Model<float>> model_in_mixed() const = 0;
};

}  // namespace grapevine
