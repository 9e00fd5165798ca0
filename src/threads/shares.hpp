#pragma once

#include <cstddef>
#include <functional>

namespace grapevine {

/// Calls work(0) .. work(shares - 1), each once, on this thread and on helpers that belong to it, and returns when all
/// have ended. Who does which share is open, and whoever has begun none is waited for by nobody: on a machine that is
/// busy with other things this thread does the shares itself. What a share does must not depend on the thread, so that
/// the same shares give the same bits.
///
/// Throws what the share of the lowest number has thrown, after all have ended; an interruption of this thread (see
/// Interruptible) makes all end at their next interruption_point(). Throws Error if so many threads cannot be started.
///
/// Helpers start when they are first needed. They watch for further work for a fraction of a millisecond, then sleep,
/// and end with their thread, or before it forks: a forked process starts its own. Within a share there are no further
/// helpers; work(...) is then called in order.
void run_shares(int shares, const std::function<void(int)>& work);

/// Calls work(0) .. work(count - 1) on up to `threads` threads, each taking the next when it is ready.
void run_each(int threads, std::size_t count, const std::function<void(std::size_t)>& work);

/// Calls work(begin, end) for `threads` parts of 0 .. count - 1 that are as long as each other.
void run_ranges(int threads, std::size_t count, const std::function<void(std::size_t, std::size_t)>& work);

/// The first of the numbers 0 .. count - 1 that is in part `part` of `parts`, which are as long as each other to one.
std::size_t part_begin(std::size_t count, int parts, int part);

}  // namespace grapevine
