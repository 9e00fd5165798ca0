// Gradients of a loss by all weights of REANN, compiled once for every instruction set and scalar type.
#if defined(GRAPEVINE_REANN_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_GRADIENT_INL
#undef GRAPEVINE_REANN_GRADIENT_INL
#else
#define GRAPEVINE_REANN_GRADIENT_INL
#endif

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/block_list.hpp"
#include "exchange/local/local_exchange.hpp"
#include "models/evaluator_on_threads.hpp"
#include "models/reann/dual_density-inl.hpp"
#include "models/reann/gradient.hpp"
#include "models/reann/mixing_products-inl.hpp"
#include "models/reann/model-inl.hpp"
#include "models/reann/network_gradient-inl.hpp"
#include "models/shared_rows.hpp"
#include "models/worker_team.hpp"
#include "threads/shares.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Gradient kernels of one model, and the model itself.
///
/// Dual numbers move along the slopes of the loss by the forces. Backpropagation starts from dE = -1 + s eps, s being
/// the slope by the energy: the change of what arrives at a weight is then s dE/dw minus the change of dE/dw, which is
/// the gradient of the loss.
template <class Real>
class ReannGradient final : public GradientKernels {
  using D = Dual<Real>;
  using Value = ReannModel<Real, ExactRadial<Real>>;
  static constexpr int block_atoms = lanes<Real>;

 public:
  explicit ReannGradient(const Parameters& parameters)
      : model_(std::make_shared<Value>(parameters, ExactRadial<Real>(parameters, padded(parameters.waves)))),
        parameters_(parameters),
        basis_(parameters.max_order),
        waves_(parameters.waves),
        stride_(padded(parameters.waves)),
        layers_(parameters.layers),
        species_(static_cast<int>(parameters.species.size())),
        gram_size_(gram_size(waves_, basis_.max_order())),
        density_(make_dual_density_kernels<Real>(parameters)) {}

  void assign(const Parameters& parameters, int threads) override {
    parameters_ = parameters;
    const std::vector<MixingProducts<Real>> products = mixing_products();
    model_->assign(parameters_, threads,
                   [&](int t, int s) { return products[t].fuse(network(parameters_, t, s).input); });
  }

  std::unique_ptr<GradientWorker> make_worker() const override { return std::make_unique<Worker>(*this); }

  void collect(std::span<const std::unique_ptr<GradientWorker>> workers, Parameters& gradient) const override {
    const std::vector<MixingProducts<Real>> products = mixing_products();
    const int networks = (layers_ + 1) * species_;
    std::vector<std::vector<double>> mixing(static_cast<std::size_t>(networks));
    run_each(static_cast<int>(workers.size()), mixing.size(), [&](std::size_t i) HWY_ATTR {
      const int n = static_cast<int>(i);
      mixing[n].resize(products.front().mixing_size());
      collect_network(workers, n / species_, n % species_, products[n / species_], gradient, mixing[n]);
    });
    for (int n = 0; n < networks; ++n)
      std::transform(mixing[n].begin(), mixing[n].end(), gradient.mixing.begin() + n / species_ * mixing[n].size(),
                     gradient.mixing.begin() + n / species_ * mixing[n].size(), std::plus<>());
    for (const auto& worker : workers) collect_radial(static_cast<Worker&>(*worker).sums, gradient);
  }

 private:
  /// Sums for the weights of one network and the map in front of it.
  struct AtomSums {
    LinearGradient<Real> fused;
    NetworkGradient<Real> network;
  };

  struct Sums {
    std::vector<std::vector<AtomSums>> atoms;  // [T + 1][species]
    simd::AlignedVector<Real> radial;          // [species][2][stride], see DualNeighbours
    simd::AlignedVector<Real> initial;         // [species][stride]

    void clear() {
      for (auto& layer : atoms)
        for (AtomSums& sums : layer) {
          sums.fused.clear();
          sums.network.clear();
        }
      std::fill(radial.begin(), radial.end(), Real(0));
      std::fill(initial.begin(), initial.end(), Real(0));
    }
  };

  /// What a pass over a block leaves for its way back.
  struct PassTape {
    simd::AlignedVector<D> density;  // [components][stride][lanes]
    simd::AlignedVector<D> gram;     // [whole rows of entries][lanes]
    NetworkTape<Real> network;
  };

  struct BlockTape : EdgeTape<Real> {
    std::vector<PassTape> passes;  // [T]
  };

  class Worker final : public GradientWorker {
   public:
    explicit Worker(const ReannGradient& kernels)
        : sums(kernels.make_sums()),
          rows(kernels.layers_),
          kernels_(kernels),
          last_(kernels.make_tape(kernels.layers_)) {
      std::size_t widest = static_cast<std::size_t>(whole_rows<Real>(kernels.gram_size_) + 16);
      for (int t = 0; t <= kernels.layers_; ++t)
        for (int s = 0; s < kernels.species_; ++s) {
          const auto& kernel = kernels.model_->kernel(t, s);
          widest = std::max<std::size_t>({widest, static_cast<std::size_t>(kernel.network.widest()),
                                          static_cast<std::size_t>(kernel.fused.widest())});
        }
      widest = std::max(widest, static_cast<std::size_t>(kernels.basis_.size() * kernels.stride_));
      for (auto* numbers : {&hidden_, &output_, &dx_, &dy_, &d_density_, &d_gram_, &waves_})
        numbers->resize(widest * lanes<Real>);
      transposed_.resize(widest * lanes<Real>);
    }

    void evaluate(const Graph& graph, Output& output, int threads) override {
      LocalExchange<Real> exchange(graph.own(), {});
      evaluator_.on(kernels_.model_, threads).evaluate(graph, exchange, output);
    }

    void clear() override { sums.clear(); }

    void add_gradient(const Graph& graph, const LossSlopes& slopes, std::span<GradientWorker* const> helpers) override {
      const WorkerTeam<Worker> team(*this, helpers);
      start(graph, slopes, team);
      const int layers = kernels_.layers_;
      for (int t = 0; t < layers; ++t) for_each_tape(team, [&](Worker& of, BlockTape& tape) { of.forward(t, tape); });
      for_each_tape(team, [&](Worker& of, BlockTape& tape) { of.readout(tape, slopes); });
      for (int t = layers - 1; t >= 0; --t) {
        team.sum_gradients(t + 1);
        for_each_tape(team, [&](Worker& of, BlockTape& tape) { of.backward(t, tape); });
      }
    }

    Sums sums;
    SharedRows<D> rows;  // [own][stride]

   private:
    using W = Waves<Real>;
    using WD = Waves<D>;

    template <class Step>
    void for_each_tape(const WorkerTeam<Worker>& team, const Step& step) {
      team.run(blocks_, [&](Worker& of, int b) { step(of, tapes_[b]); });
    }

    void start(const Graph& graph, const LossSlopes& slopes, const WorkerTeam<Worker>& team) {
      for (int t = 1; t <= kernels_.layers_; ++t)
        team.start_rows(t, static_cast<std::size_t>(graph.own()) * kernels_.stride_);
      for (Worker* member : team.members()) member->atom_species_ = graph.species();
      const std::span<const int> centres = graph.centres();
      blocks_.start(block_atoms, centres);
      for (std::size_t n = 0; n < centres.size(); ++n) blocks_.add(n, atom_species_[centres[n]]);
      blocks_.finish();
      while (tapes_.size() < static_cast<std::size_t>(blocks_.blocks())) {
        BlockTape& tape = tapes_.emplace_back();
        for (int t = 0; t < kernels_.layers_; ++t) tape.passes.push_back(kernels_.make_tape(t));
      }
      team.run(blocks_, [&](const Worker& /*of*/, int b) {
        BlockTape& tape = tapes_[b];
        tape.edges.species = blocks_.species(b);
        graph.edges(blocks_.centres(b), tape.edges);
        tape.change.set(tape.edges, slopes);
        compute_radial(tape);
      });
    }

    void compute_radial(BlockTape& tape) const {
      const EdgeBlock<Real>& edges = tape.edges;
      const ExactRadial<Real>& radial = kernels_.model_->radial();
      tape.prepared.resize(edges.x.size());
      tape.distance_change.resize(edges.x.size());
      tape.radial.resize(2 * edges.x.size() * kernels_.stride_);
      prepare_distances<Real, ExactRadial<Real>, 1>(edges, tape.jets().change, radial, tape.prepared,
                                                    {tape.distance_change.data()});
      radial_functions(edges, radial, tape.prepared, atom_species_.data(), kernels_.stride_, tape.radial.data());
    }

    HWY_INLINE W initial_of(int j, int v) const {
      return load<W>(
          &kernels_.model_->initial_coefficient()[static_cast<std::size_t>(atom_species_[j]) * kernels_.stride_ + v]);
    }

    HWY_INLINE D* row_of(D* first, int atom) const {
      return first + static_cast<std::ptrdiff_t>(atom) * kernels_.stride_;
    }

    DualNeighbours<Real> neighbours(int t) {
      const Value& model = *kernels_.model_;
      return {model.radial(),   atom_species_.data(), model.initial_coefficient().data(),
              rows.features(t), sums.radial.data(),   sums.initial.data(),
              rows.gradients(t)};
    }

    /// Densities of a block in packs of atoms, from c^(t) of the neighbours.
    void sum_density(int t, const BlockTape& tape, D* density) {
      const int row = kernels_.basis_.size() * kernels_.stride_;
      kernels_.density_->sum(tape, neighbours(t), waves_.data());
      std::fill(waves_.begin() + static_cast<std::ptrdiff_t>(tape.edges.centres()) * row,
                waves_.begin() + static_cast<std::ptrdiff_t>(block_atoms) * row, D());
      waves_to_atoms(row, waves_.data(), density);
    }

    /// From densities to the network's output in output_.
    HWY_NOINLINE void run(int t, const BlockTape& tape, PassTape& pass) {
      const auto& kernel = kernels_.model_->kernel(t, tape.edges.species);
      sum_density(t, tape, pass.density.data());
      kernels_.density_->gram(pass.density.data(), pass.gram.data());
      kernel.fused.matrix.multiply(pass.gram.data(), hidden_.data());
      pass.network.forward(kernel.network, hidden_.data(), output_.data(), dx_.data());
    }

    HWY_NOINLINE void forward(int t, BlockTape& tape) {
      run(t, tape, tape.passes[t]);
      const int stride = kernels_.stride_;
      for (int k = kernels_.waves_; k < stride; ++k)
        store(zero<Row<D>>(), &output_[static_cast<std::size_t>(k * lanes<Real>)]);
      atoms_to_waves(stride, output_.data(), waves_.data());
      const D* change = waves_.data();
      for (const int atom : tape.edges.centre) {
        for (int v = 0; v < stride; v += 8) {
          D* to = row_of(rows.features(t + 1), atom) + v;
          if (t == 0)
            store(initial_of(atom, v) + load<WD>(change + v), to);
          else
            store(load<WD>(row_of(rows.features(t), atom) + v) + load<WD>(change + v), to);
        }
        change += stride;
      }
    }

    HWY_NOINLINE void readout(BlockTape& tape, const LossSlopes& slopes) {
      const int t = kernels_.layers_;
      run(t, tape, last_);
      Real seed[2 * lanes<Real>] = {};
      for (int c = 0; c < tape.edges.centres(); ++c) {
        seed[c] = Real(-1);
        seed[lanes<Real> + c] = static_cast<Real>(slopes.energy[static_cast<std::size_t>(tape.edges.centre[c])]);
      }
      std::copy(std::begin(seed), std::end(seed), reinterpret_cast<Real*>(output_.data()));
      back(t, tape, last_);
    }

    HWY_NOINLINE void backward(int t, BlockTape& tape) {
      const int stride = kernels_.stride_;
      const std::vector<int>& centres = tape.edges.centre;
      D* row = waves_.data();
      for (const int atom : centres) {
        for (int v = 0; v < stride; v += 8) {
          const WD gradient = load<WD>(row_of(rows.gradients(t + 1), atom) + v);
          store(gradient, row + v);
          if (t > 0) {
            D* to = row_of(rows.gradients(t), atom) + v;
            store(load<WD>(to) + gradient, to);
          } else {
            add_initial(tape.edges.species, v, gradient.change[0]);
          }
        }
        row += stride;
      }
      std::fill(row, waves_.data() + static_cast<std::ptrdiff_t>(block_atoms) * stride, D());
      waves_to_atoms(stride, waves_.data(), output_.data());
      back(t, tape, tape.passes[t]);
    }

    HWY_INLINE void add_initial(int species, int v, const W& change) {
      Real* to = &sums.initial[static_cast<std::size_t>(species) * kernels_.stride_ + v];
      store(load<W>(to) + change, to);
    }

    /// From the gradient by the network's output in output_ to all weights, and to c^(t) of the neighbours.
    HWY_NOINLINE void back(int t, const BlockTape& tape, const PassTape& pass) {
      const int species = tape.edges.species;
      const auto& kernel = kernels_.model_->kernel(t, species);
      AtomSums& atoms = sums.atoms[t][species];
      pass.network.backward(kernel.network, output_.data(), hidden_.data(), atoms.network, dx_.data(), dy_.data(),
                            transposed_.data());
      atoms.fused.add(pass.gram.data(), hidden_.data(), transposed_.data());
      kernel.fused.transposed.multiply(hidden_.data(), d_gram_.data());
      kernels_.density_->gram_backward(pass.density.data(), d_gram_.data(), d_density_.data());
      atoms_to_waves(kernels_.basis_.size() * kernels_.stride_, d_density_.data(), waves_.data());
      kernels_.density_->edge_gradients(tape, neighbours(t), waves_.data());
    }

    const ReannGradient& kernels_;
    EvaluatorOnThreads<Real> evaluator_;
    BlockList blocks_;
    std::vector<BlockTape> tapes_;
    PassTape last_;  // of the readout, whose way back follows at once
    std::span<const int> atom_species_;
    simd::AlignedVector<D> hidden_, output_, dx_, dy_, d_density_, d_gram_, waves_;
    simd::AlignedVector<Real> transposed_;
  };

  template <class P>
  static auto& network(P& parameters, int t, int species) {
    return t < parameters.layers ? parameters.message[t][species] : parameters.readout[species];
  }

  Sums make_sums() const {
    Sums sums;
    for (int t = 0; t <= layers_; ++t) {
      std::vector<AtomSums>& layer = sums.atoms.emplace_back();
      for (int s = 0; s < species_; ++s) {
        const auto& kernel = model_->kernel(t, s);
        layer.push_back(
            {LinearGradient<Real>(gram_size_, kernel.network.inputs()), NetworkGradient<Real>(kernel.network)});
      }
    }
    sums.radial.resize(static_cast<std::size_t>(2 * species_) * stride_);
    sums.initial.resize(static_cast<std::size_t>(species_) * stride_);
    return sums;
  }

  PassTape make_tape(int t) const {
    return {simd::AlignedVector<D>(static_cast<std::size_t>(basis_.size() * stride_) * lanes<Real>),
            simd::AlignedVector<D>(static_cast<std::size_t>(whole_rows<Real>(gram_size_)) * lanes<Real>),
            NetworkTape<Real>(model_->kernel(t, 0).network)};
  }

  std::vector<MixingProducts<Real>> mixing_products() const {
    std::vector<MixingProducts<Real>> products;
    for (int t = 0; t <= layers_; ++t) products.emplace_back(parameters_, t);
    return products;
  }

  /// Sums of all workers for one network, in the first worker's; `mixing` is [L + 1][K][M].
  void collect_network(std::span<const std::unique_ptr<GradientWorker>> workers, int t, int s,
                       const MixingProducts<Real>& products, Parameters& gradient, std::vector<double>& mixing) const {
    AtomSums& sum = static_cast<Worker&>(*workers.front()).sums.atoms[t][s];
    for (const auto& worker : workers.subspan(1)) {
      const AtomSums& other = static_cast<Worker&>(*worker).sums.atoms[t][s];
      sum.fused.add(other.fused);
      sum.network.add(other.network);
    }
    Network& to = network(gradient, t, s);
    products.add_gradient(sum.fused, network(parameters_, t, s).input, to.input, mixing.data());
    sum.network.add_to(to);
  }

  /// With u_k = dE/dR_k R_k: dE/d(inta) = sum u (r - rs)^2 and dE/d(rs) = -2 inta sum u (r - rs).
  void collect_radial(const Sums& sums, Parameters& gradient) const {
    for (int s = 0; s < species_; ++s)
      for (int k = 0; k < waves_; ++k) {
        const std::size_t to = static_cast<std::size_t>(s) * waves_ + k;
        const Real* sum = &sums.radial[static_cast<std::size_t>(2 * s) * stride_ + k];
        gradient.radial_exponent[to] += static_cast<double>(sum[0]);
        gradient.radial_centre[to] -= 2 * parameters_.radial_exponent[to] * static_cast<double>(sum[stride_]);
        gradient.initial_coefficient[to] +=
            static_cast<double>(sums.initial[static_cast<std::size_t>(s) * stride_ + k]);
      }
  }

  std::shared_ptr<Value> model_;
  Parameters parameters_;
  AngularBasis basis_;
  int waves_;
  int stride_;
  int layers_;
  int species_;
  int gram_size_;
  std::unique_ptr<const DualDensityKernels<Real>> density_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
