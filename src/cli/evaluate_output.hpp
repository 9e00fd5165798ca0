#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

#include "report/error_statistics.hpp"
#include "structures/evaluate_frame.hpp"
#include "structures/result_frame.hpp"

namespace grapevine {

/// Where `grapevine evaluate` prints what it finds.
class EvaluateOutput {
 public:
  virtual ~EvaluateOutput() = default;
  virtual void add(std::size_t index, const Frame& frame, const FrameResult& result) = 0;
  virtual void finish(const PotentialErrors& errors) = 0;
};

/// A table, one line per frame as it comes, and the errors at the end.
std::unique_ptr<EvaluateOutput> make_table_output();

/// One JSON object in full precision, printed when all is done. `model` and `structures` are named in it, and the
/// origin of the results.
std::unique_ptr<EvaluateOutput> make_json_output(const std::string& model, const std::string& structures,
                                                 const Origin& origin);

}  // namespace grapevine
