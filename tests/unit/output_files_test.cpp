// Files that the program writes: where they go, what is never replaced, and what a kill leaves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "support/atomic_file.hpp"
#include "support/output_path.hpp"
#include "test_files.hpp"

namespace {

/// What has been brought to disk, by fsync().
std::vector<std::filesystem::path> synced;
/// Called when something is.
std::function<void()> at_sync;

}  // namespace

/// Takes the place of libc's, to be seen by tests.
extern "C" int fsync(int descriptor) {
  synced.push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)));
  if (at_sync) at_sync();
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

namespace grapevine::test {
namespace {

using std::filesystem::path;
using testing::HasSubstr;
using testing::IsEmpty;

class OutputFiles : public testing::Test {
 protected:
  OutputFiles() : folder(temporary_path("folder")) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  ~OutputFiles() override { std::filesystem::remove_all(folder); }

  path make(const std::string& name, const std::string& text = "old") const {
    std::ofstream(folder / name) << text;
    return folder / name;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  static std::string text_of(const path& file) {
    const std::vector<std::byte> bytes = read_bytes(file);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  path folder;
};

TEST_F(OutputFiles, AreWrittenThroughSymbolicLinks) {
  std::filesystem::create_directory(folder / "deep");
  std::filesystem::create_symlink("second", folder / "first");
  std::filesystem::create_symlink("deep/target", folder / "second");
  for (const char* text : {"made", "made again"}) {
    write_text_file(folder / "first", text);
    EXPECT_EQ(text_of(folder / "deep" / "target"), text);
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "first"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "second"));
  }
}

TEST_F(OutputFiles, LinksInACircleAreRefused) {
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  EXPECT_THAT(error_of([&] { write_text_file(folder / "a", "text"); }), HasSubstr("symbolic links"));
}

TEST_F(OutputFiles, LinksToDevicesAndFoldersAreRefused) {
  std::filesystem::create_symlink("/dev/null", folder / "device");
  std::filesystem::create_symlink(".", folder / "itself");
  for (const char* name : {"device", "itself"})
    EXPECT_THAT(error_of([&] { write_text_file(folder / name, "text"); }), HasSubstr("a folder or a device"));
  EXPECT_FALSE(std::filesystem::is_regular_file("/dev/null"));
}

TEST_F(OutputFiles, AKilledWriterLeavesATemporaryThatTheNextRemoves) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    AtomicFile file(folder / "model");
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(names().size(), 1u);
  write_text_file(folder / "other", "text");
  EXPECT_EQ(names().size(), 2u) << "not of that name";
  write_text_file(folder / "model", "text");
  EXPECT_THAT(names(), testing::ElementsAre("model", "other"));
}

TEST_F(OutputFiles, TemporariesAtWorkAreLeftAlone) {
  make("model.part-aa");  // what split(1) makes
  AtomicFile first(folder / "model");
  AtomicFile second(folder / "model");
  first.write("first");
  second.write("second");
  first.commit();
  EXPECT_EQ(text_of(folder / "model"), "first");
  second.commit();
  EXPECT_EQ(text_of(folder / "model"), "second");
  EXPECT_THAT(names(), testing::ElementsAre("model", "model.part-aa"));
}

TEST_F(OutputFiles, BytesReachTheDiskBeforeTheirNameAndTheNameThen) {
  std::vector<std::string> before;
  at_sync = [&] { before.push_back(std::filesystem::exists(folder / "model") ? "named" : "not yet"); };
  synced.clear();
  write_text_file(folder / "model", "text");
  at_sync = nullptr;
  ASSERT_EQ(synced.size(), 2u);
  EXPECT_THAT(synced[0].string(), HasSubstr("model.grapevine-part-"));
  EXPECT_EQ(synced[1], std::filesystem::canonical(folder));
  EXPECT_THAT(before, testing::ElementsAre("not yet", "named"));
}

TEST_F(OutputFiles, WithoutCommitNothingIsLeftAndNothingReplaced) {
  make("model");
  {
    AtomicFile file(folder / "model");
    file.write("new");
  }
  EXPECT_EQ(text_of(folder / "model"), "old");
  EXPECT_THAT(names(), testing::ElementsAre("model"));
}

TEST_F(OutputFiles, AreNoInputsByAnyNameOrLink) {
  const path input = make("input");
  std::filesystem::create_hard_link(input, folder / "hard");
  std::filesystem::create_symlink("input", folder / "soft");
  std::filesystem::create_symlink(folder, folder / "around");
  const std::vector<path> inputs = {"", folder / "missing", input};
  for (const path& output : {input, folder / "hard", folder / "soft", folder / "around" / "." / "input"})
    EXPECT_THAT(error_of([&] { check_not_input(output, inputs); }), HasSubstr(output.string()));
  make("same text, other file");
  for (const path& output : {folder / "same text, other file", folder / "missing", folder / "new", path()})
    EXPECT_THAT(error_of([&] { check_not_input(output, inputs); }), IsEmpty());
}

TEST_F(OutputFiles, AFolderOfOutputsHoldsNoInput) {
  std::filesystem::create_directories(folder / "bench" / "runs");
  const std::vector<path> inputs = {make("model")};
  EXPECT_THAT(error_of([&] { check_no_input_in(folder / "bench", inputs); }), IsEmpty());
  EXPECT_THAT(error_of([&] { check_no_input_in(folder / "absent", inputs); }), IsEmpty());
  std::filesystem::create_hard_link(inputs[0], folder / "bench" / "runs" / "in.lmp");
  EXPECT_THAT(error_of([&] { check_no_input_in(folder / "bench", inputs); }), HasSubstr("runs/in.lmp"));
}

TEST_F(OutputFiles, TwoOutputsAreTwoFiles) {
  const auto check = [&](const path& a, const path& b) {
    return error_of([&] { check_different(std::vector<path>{a, "", b, ""}); });
  };
  std::filesystem::create_symlink("new", folder / "soft");
  EXPECT_THAT(check(folder / "new", folder / "." / "new"), HasSubstr("two outputs"));
  EXPECT_THAT(check(folder / "new", folder / "soft"), HasSubstr("two outputs"));
  EXPECT_THAT(check(folder / "new", folder / "newer"), IsEmpty());
}

}  // namespace
}  // namespace grapevine::test
