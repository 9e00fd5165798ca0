#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace grapevine::bench {

/// Processor, cores that may be used, compiler, load and date: what a reader needs to judge a time.
nlohmann::ordered_json describe_machine();

/// The same in one line.
std::string machine_line(const nlohmann::ordered_json& machine);

}  // namespace grapevine::bench
