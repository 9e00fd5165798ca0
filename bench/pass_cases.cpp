#include "pass_cases.hpp"

#include "kernel_flops.hpp"
#include "models/reann/model.hpp"
#include "passes.hpp"

namespace grapevine::kernel_bench {

template <class Real>
std::vector<KernelCase> make_pass_cases(const std::shared_ptr<const Sample>& sample) {
  const reann::Parameters& parameters = sample->parameters;
  const reann::Network& message = parameters.message.front().front();
  const reann::Network& readout = parameters.readout.front();
  const Flops<Real> flops{parameters.waves};
  const std::shared_ptr<const Model<Real>> model = reann::make_reann_model<Real>(parameters);
  const auto passes = std::make_shared<Passes<Real>>(sample, model);
  const auto evaluation = std::make_shared<Evaluation<Real>>(sample, model);
  const double atoms = sample->graph.own();
  const double edges = passes->edge_count();
  const double forward = flops.forward_pass(message, atoms, edges);
  const double middle = flops.readout_pass(readout, atoms, edges);
  const double backward = flops.backward_pass(message, atoms, edges);
  // The evaluator keeps the edges of a system of this size between its passes: it strips lists once.
  const double whole = forward + middle + backward + 2 * edges * flops.edge_forces() +
                       static_cast<double>(sample->graph.list_entries()) * flops.strip();
  return {{"pass/forward", [passes] { passes->forward(); }, forward, "atom", atoms},
          {"pass/readout", [passes] { passes->readout(); }, middle, "atom", atoms},
          {"pass/backward", [passes] { passes->backward(); }, backward, "atom", atoms},
          {"evaluate", [evaluation] { evaluation->run(); }, whole, "atom", atoms}};
}

template std::vector<KernelCase> make_pass_cases<float>(const std::shared_ptr<const Sample>& sample);
template std::vector<KernelCase> make_pass_cases<double>(const std::shared_ptr<const Sample>& sample);

}  // namespace grapevine::kernel_bench
