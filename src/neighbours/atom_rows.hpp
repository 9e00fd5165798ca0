#pragma once

namespace grapevine {

/// Which row of arrays over atoms an atom uses: own atoms their own, ghosts the one that is named for each; -1 for
/// atoms that are no neighbours.
struct AtomRows {
  int own = 0;
  const int* of_ghost = nullptr;  ///< [ghosts]

  int operator()(int atom) const { return atom < own ? atom : of_ghost[atom - own]; }
};

}  // namespace grapevine
