#pragma once

#include <filesystem>

namespace grapevine {

/// The temporary files of this process that are to get their names when they are complete: what has to go if the
/// process is ended from outside, where no destructor runs.
void add_unfinished_file(const std::filesystem::path& path);
void forget_unfinished_file(const std::filesystem::path& path);

/// Removes all of them. Nothing may be written afterwards: files that are begun or finished later wait for ever.
void remove_unfinished_files();

}  // namespace grapevine
