#include "exchange/mpi/mpi_exchange.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/error.hpp"

namespace grapevine {

namespace {

constexpr int gather_tag = 3;
constexpr int scatter_tag = 4;

MPI_Datatype type_of(double /*value*/) { return MPI_DOUBLE; }
MPI_Datatype type_of(float /*value*/) { return MPI_FLOAT; }

template <class Real>
void pack(const Field<Real>& field, const std::vector<int>& rows, Real* to) {
  for (const int row : rows) to = std::copy_n(field.row(row), field.width, to);
}

// MPI counts the numbers of a message in an int.
void check_message_sizes(const std::vector<HaloPlan::Peer>& peers, int width) {
  const auto most_rows = static_cast<std::size_t>(std::numeric_limits<int>::max() / std::max(width, 1));
  for (const HaloPlan::Peer& peer : peers)
    if (peer.rows.size() > most_rows)
      throw Error("a message of the halo exchange has 2^31 numbers or more; use more ranks");
}

// One persistent request per peer, with its part of `buffer`.
template <class Real, class Init>
std::vector<MPI_Request> make_requests(const HaloPlan& plan, const std::vector<HaloPlan::Peer>& peers, int width,
                                       int tag, std::vector<Real>& buffer, Init init) {
  std::vector<MPI_Request> requests;
  Real* part = buffer.data();
  for (const HaloPlan::Peer& peer : peers) {
    const int size = static_cast<int>(peer.rows.size()) * width;
    init(part, size, type_of(Real()), peer.rank, tag, plan.communicator().get(), &requests.emplace_back());
    part += size;
  }
  return requests;
}

void start_all(std::vector<MPI_Request>& requests) { MPI_Startall(static_cast<int>(requests.size()), requests.data()); }

void wait_all(std::vector<MPI_Request>& requests) {
  MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
}

}  // namespace

template <class Real>
MpiExchange<Real>::~MpiExchange() {
  free_channels();
}

template <class Real>
void MpiExchange<Real>::set_plan(std::shared_ptr<const HaloPlan> plan) {
  expect(State::idle, "set_plan");
  free_channels();
  plan_ = std::move(plan);
}

template <class Real>
void MpiExchange<Real>::gather_begin(Field<Real> field) {
  Channel& c = begin(State::gathering, field, "gather_begin");
  start_all(c.gather_receives);
  Real* part = c.sent.data();
  for (std::size_t n = 0; n < plan_->holders().size(); ++n) {
    const std::vector<int>& rows = plan_->holders()[n].rows;
    pack(field, rows, part);
    MPI_Start(&c.gather_sends[n]);
    part += rows.size() * static_cast<std::size_t>(field.width);
  }
}

template <class Real>
void MpiExchange<Real>::gather_end() {
  expect(State::gathering, "gather_end");
  state_ = State::idle;
  Channel& c = channel(field_.width);
  wait_all(c.gather_receives);
  const Real* from = c.halo.data();
  for (const HaloPlan::Peer& owner : plan_->owners())
    for (const int row : owner.rows) {
      std::copy_n(from, field_.width, field_.row(row));
      from += field_.width;
    }
  wait_all(c.gather_sends);
  this->tally_.gathers += 1;
  this->tally_.gather_atoms += plan_->halo_atoms();
  this->tally_.gather_numbers += static_cast<std::int64_t>(plan_->halo_atoms()) * field_.width;
  this->tally_.messages += static_cast<std::int64_t>(plan_->holders().size());
}

template <class Real>
void MpiExchange<Real>::scatter_add_begin(Field<Real> field) {
  Channel& c = begin(State::scattering, field, "scatter_add_begin");
  start_all(c.scatter_receives);
  Real* part = c.halo.data();
  for (std::size_t n = 0; n < plan_->owners().size(); ++n) {
    const std::vector<int>& rows = plan_->owners()[n].rows;
    pack(field, rows, part);
    MPI_Start(&c.scatter_sends[n]);
    part += rows.size() * static_cast<std::size_t>(field.width);
  }
}

template <class Real>
void MpiExchange<Real>::scatter_add_end() {
  expect(State::scattering, "scatter_add_end");
  state_ = State::idle;
  Channel& c = channel(field_.width);
  wait_all(c.scatter_receives);
  const Real* from = c.sent.data();
  for (const HaloPlan::Peer& holder : plan_->holders())
    for (const int row : holder.rows) {
      Real* to = field_.row(row);
      for (int k = 0; k < field_.width; ++k) to[k] += *from++;
    }
  wait_all(c.scatter_sends);
  this->tally_.scatters += 1;
  this->tally_.scatter_atoms += plan_->halo_atoms();
  this->tally_.scatter_numbers += static_cast<std::int64_t>(plan_->halo_atoms()) * field_.width;
  this->tally_.messages += static_cast<std::int64_t>(plan_->owners().size());
}

template <class Real>
void MpiExchange<Real>::expect(State state, const char* what) const {
  if (state_ != state) throw std::logic_error(std::string("MpiExchange: ") + what + " out of turn");
}

template <class Real>
typename MpiExchange<Real>::Channel& MpiExchange<Real>::begin(State state, Field<Real> field, const char* what) {
  expect(State::idle, what);
  if (!plan_) throw std::logic_error(std::string("MpiExchange: ") + what + " without a plan");
  Channel& c = channel(field.width);
  state_ = state;
  field_ = field;
  return c;
}

template <class Real>
typename MpiExchange<Real>::Channel& MpiExchange<Real>::channel(int width) {
  for (const auto& channel : channels_)
    if (channel->width == width) return *channel;
  const auto& owners = plan_->owners();
  const auto& holders = plan_->holders();
  check_message_sizes(owners, width);
  check_message_sizes(holders, width);
  auto made = std::make_unique<Channel>();
  made->width = width;
  made->halo.resize(static_cast<std::size_t>(plan_->halo_atoms()) * width);
  made->sent.resize(static_cast<std::size_t>(plan_->sent_atoms()) * width);
  made->gather_receives = make_requests(*plan_, owners, width, gather_tag, made->halo, MPI_Recv_init);
  made->gather_sends = make_requests(*plan_, holders, width, gather_tag, made->sent, MPI_Send_init);
  made->scatter_receives = make_requests(*plan_, holders, width, scatter_tag, made->sent, MPI_Recv_init);
  made->scatter_sends = make_requests(*plan_, owners, width, scatter_tag, made->halo, MPI_Send_init);
  channels_.push_back(std::move(made));
  return *channels_.back();
}

template <class Real>
void MpiExchange<Real>::free_channels() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized)
    for (const auto& channel : channels_)
      for (auto* requests :
           {&channel->gather_receives, &channel->gather_sends, &channel->scatter_receives, &channel->scatter_sends})
        for (MPI_Request& request : *requests) MPI_Request_free(&request);
  channels_.clear();
}

template <class Real>
double MpiExchange<Real>::bytes() const {
  double sum = 0;
  for (const auto& channel : channels_)
    sum += static_cast<double>((channel->halo.capacity() + channel->sent.capacity()) * sizeof(Real));
  return sum;
}

template class MpiExchange<double>;
template class MpiExchange<float>;

}  // namespace grapevine
