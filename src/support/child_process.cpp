#include "support/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::chrono::milliseconds poll_interval{50};
constexpr std::chrono::milliseconds patience{500};

std::string shell_quoted(const std::string& word) {
  const auto* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The present environment with the variables put in place of those of the same name.
std::vector<std::string> environment_with(const std::vector<Variable>& variables) {
  std::vector<std::string> lines;
  for (char** line = environ; *line; ++line) {
    const std::string_view text = *line;
    const auto replaced = [&](const Variable& v) { return text.substr(0, text.find('=')) == v.name; };
    if (std::none_of(variables.begin(), variables.end(), replaced)) lines.emplace_back(text);
  }
  for (const Variable& variable : variables) lines.push_back(variable.name + "=" + variable.value);
  return lines;
}

[[noreturn]] void fail_to_start(const std::string& program, int problem) {
  throw Error(fmt::format("{}: cannot be started: {}", program, std::strerror(problem)));
}

/// A process group of its own, with no signal blocked, writing into a file.
class SpawnSettings {
 public:
  SpawnSettings(const std::filesystem::path& folder, const std::filesystem::path& output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  pid_t spawn(Command command) const {
    std::vector<std::string> environment = environment_with(command.variables);
    const std::vector<char*> arguments = pointers_to(command.words);
    const std::vector<char*> lines = pointers_to(environment);
    pid_t child = 0;
    const int problem = posix_spawnp(&child, arguments[0], &actions_, &attributes_, arguments.data(), lines.data());
    if (problem != 0) fail_to_start(command.words[0], problem);
    return child;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// A child that is ended, with its process group, if it is left before its own end.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    if (ended_) return;
    ::kill(-id_, SIGTERM);
    const auto last = std::chrono::steady_clock::now() + patience;
    while (!has_ended() && std::chrono::steady_clock::now() < last) std::this_thread::sleep_for(poll_interval);
    if (ended_) return;
    ::kill(-id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool has_ended() {
    if (!ended_) ended_ = ::wait4(id_, &status_, WNOHANG, &usage_) != 0;
    return ended_;
  }

  ChildResult result() const {
    const int code = WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
    return {code, 1024 * static_cast<std::int64_t>(usage_.ru_maxrss)};
  }

 private:
  pid_t id_;
  bool ended_ = false;
  int status_ = 0;
  rusage usage_{};
};

}  // namespace

std::string shell_line(const Command& command) {
  std::string line;
  for (const auto& variable : command.variables)
    line += fmt::format("{}={} ", variable.name, shell_quoted(variable.value));
  for (const auto& word : command.words) line += shell_quoted(word) + " ";
  line.pop_back();
  return line;
}

void become(Command command) {
  for (const auto& variable : command.variables) ::setenv(variable.name.c_str(), variable.value.c_str(), 1);
  const std::vector<char*> arguments = pointers_to(command.words);
  ::execvp(arguments[0], arguments.data());
  fail_to_start(command.words[0], errno);
}

ChildResult run_child(const Command& command, const std::filesystem::path& folder, const std::filesystem::path& output,
                      const std::function<void()>& poll) {
  Child child(SpawnSettings(folder, output).spawn(command));
  while (!child.has_ended()) {
    std::this_thread::sleep_for(poll_interval);
    poll();
  }
  return child.result();
}

}  // namespace grapevine
