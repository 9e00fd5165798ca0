#include "cli/interrupt.hpp"

#include <pthread.h>

#include "support/unfinished_files.hpp"

namespace grapevine {
namespace {

constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

constexpr std::chrono::milliseconds between_looks{50};

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  sigemptyset(&watched_);
  for (const int signal : signals)
    if (!is_ignored(signal)) sigaddset(&watched_, signal);
  pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  watcher_ = std::thread([this] { watch(); });
}

InterruptGuard::~InterruptGuard() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ending_.notify_one();
  watcher_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void InterruptGuard::watch() {
  std::unique_lock lock(mutex_);
  const auto ends = [this] { return ends_; };
  while (!requested())
    if (ending_.wait_for(lock, between_looks, ends)) return;
  if (ending_.wait_for(lock, patience_.load(), ends)) return;
  remove_unfinished_files();
  pthread_sigmask(SIG_UNBLOCK, &watched_, nullptr);
}

bool InterruptGuard::requested() const {
  sigset_t waiting;
  sigpending(&waiting);
  for (const int signal : signals)
    if (sigismember(&waiting, signal) == 1 && sigismember(&watched_, signal) == 1) return true;
  return false;
}

void InterruptGuard::check() const {
  if (requested()) throw Interrupted();
}

}  // namespace grapevine
