#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace grapevine {

struct Variable {
  std::string name;
  std::string value;
};

/// A program with its arguments, and the variables it needs on top of the present environment.
struct Command {
  std::vector<std::string> words;  ///< the program's path or name first
  std::vector<Variable> variables;
};

/// The command as it can be typed into a shell.
std::string shell_line(const Command& command);

/// Replaces this process by the command. Returns only by throwing Error, if it cannot be started.
[[noreturn]] void become(Command command);

struct ChildResult {
  int exit_code = 0;            ///< 128 + n if signal n ended it, as shells have it
  std::int64_t peak_bytes = 0;  ///< resident memory of the child, or of the largest of its own children
};

/// Runs a command in `folder` with standard output and standard error in the file `output`, standard input empty, and
/// waits for its end. `poll` is called about twenty times a second; if it throws, the child and all it has started are
/// ended first. Throws Error if the command cannot be started.
ChildResult run_child(const Command& command, const std::filesystem::path& folder, const std::filesystem::path& output,
                      const std::function<void()>& poll);

}  // namespace grapevine
