#pragma once

#include <memory>
#include <vector>

#include "engine/exchange.hpp"
#include "exchange/mpi/halo_plan.hpp"

namespace grapevine {

/// Exchange by a HaloPlan: point-to-point messages to just the ranks and of just the atoms that edges use, packed once
/// per operation and under way between begin and end. Only ghosts' rows of the plan are filled and read; images of own
/// atoms have no rows of their own. Sums are formed in the order of the plan, whichever message comes first.
///
/// Operations out of turn (an end without its begin, a begin before the end of another, any before a plan) throw
/// std::logic_error and change nothing. Not to be destroyed between begin and end, when MPI still uses its buffers.
template <class Real>
class MpiExchange final : public Exchange<Real> {
 public:
  MpiExchange() = default;
  ~MpiExchange() override;
  MpiExchange(const MpiExchange&) = delete;
  MpiExchange& operator=(const MpiExchange&) = delete;

  /// To be called before the first operation and whenever the ghosts change, on all ranks alike.
  void set_plan(std::shared_ptr<const HaloPlan> plan);

  /// The first operation of a width under a plan makes that width's buffers and requests; later ones allocate nothing.
  /// Throws Error if a message would have 2^31 numbers or more.
  void gather_begin(Field<Real> field) override;
  void gather_end() override;
  void scatter_add_begin(Field<Real> field) override;
  void scatter_add_end() override;

  double bytes() const;

 private:
  enum class State { idle, gathering, scattering };

  /// Requests for fields of one width, made once and started again and again.
  struct Channel {
    int width;
    std::vector<Real> halo;  // [halo atoms][width] as received in a gather, sent in a scatter
    std::vector<Real> sent;  // [sent atoms][width]
    std::vector<MPI_Request> gather_receives, gather_sends;
    std::vector<MPI_Request> scatter_receives, scatter_sends;
  };

  void expect(State state, const char* what) const;
  Channel& begin(State state, Field<Real> field, const char* what);
  Channel& channel(int width);
  void free_channels();

  std::shared_ptr<const HaloPlan> plan_;
  std::vector<std::unique_ptr<Channel>> channels_;
  State state_ = State::idle;
  Field<Real> field_;
};

extern template class MpiExchange<double>;
extern template class MpiExchange<float>;

}  // namespace grapevine
