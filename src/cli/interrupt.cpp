#include "cli/interrupt.hpp"

#include <pthread.h>

namespace grapevine {
namespace {

constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

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
}

InterruptGuard::~InterruptGuard() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

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
