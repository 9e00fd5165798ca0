#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace grapevine {

/// How much the models of a committee disagree about forces, as a standard deviation over the models:
///
///   sigma_i = sqrt( mean over models m of |F_i^m - mean over models of F_i|^2 )
///
/// Zhang, Lin, Wang, Car, E, Phys. Rev. Mater. 3, 023804 (2019). Formed one model at a time (Welford 1962), so that no
/// model's forces need to be kept; exactly zero for models that agree.
class ForceDeviation {
 public:
  /// Forgets all models. Allocates only for more atoms than ever before.
  void start(std::size_t atoms);

  /// `forces` [atoms][3], whole: with the shares of all ranks.
  void add(std::span<const double> forces);

  /// [atoms] sigma_i of the models added, times `scale`; valid until the next start.
  std::span<const double> finish(double scale);

  double bytes() const { return static_cast<double>((mean_.capacity() + sigma_.capacity()) * sizeof(double)); }

 private:
  int models_ = 0;
  std::vector<double> mean_;   // [atoms][3]
  std::vector<double> sigma_;  // [atoms]; sums of squares until finish()
};

/// Standard deviation of a few numbers, one from each model: sqrt( mean of (v - mean of v)^2 ); 0 for none.
double standard_deviation(std::span<const double> values);

}  // namespace grapevine
