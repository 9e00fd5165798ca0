#pragma once

namespace grapevine {

constexpr int most_threads = 4096;

/// The number of threads that a user wants: `asked`, or if that is 0 what OMP_NUM_THREADS says (of a list the first
/// number), or else the number of cores that this process may use. Throws Error for a number below 0 or above
/// most_threads, and for an OMP_NUM_THREADS that is no number of threads.
int thread_count(int asked);

/// At most `threads`, and no more than give each at least `least` of `work`: of the size of the work alone, so that the
/// same work is divided in the same way every time.
int threads_for(double work, double least, int threads);

}  // namespace grapevine
