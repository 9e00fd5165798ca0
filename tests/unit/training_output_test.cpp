// Names of a training's files, and what check_output() refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "formats/file_endings.hpp"
#include "test_files.hpp"
#include "training/options/option_table.hpp"
#include "training/run/output_files.hpp"
#include "training/run/training_log.hpp"
#include "training/run/training_report.hpp"

namespace grapevine::test {
namespace {

using std::filesystem::path;
using testing::HasSubstr;
using testing::IsEmpty;

class TrainingOutput : public testing::Test {
 protected:
  TrainingOutput() : folder(temporary_path("folder")) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    options.data.train = {make("train.extxyz")};
    options.output = folder / "model.safetensors";
  }
  ~TrainingOutput() override { std::filesystem::remove_all(folder); }

  path make(const std::string& name) const {
    std::ofstream(folder / name) << "something";
    return folder / name;
  }

  std::string refusal(const path& config = {}) const {
    return error_of([&] { check_output(options, config); });
  }

  path folder;
  TrainingOptions options;
};

TEST_F(TrainingOutput, NamesComeFromTheWholeNameOfTheModel) {
  EXPECT_EQ(log_path("a/model.safetensors"), "a/model.log.csv");
  EXPECT_EQ(checkpoint_path("run.1"), "run.1.checkpoint.safetensors");
  EXPECT_EQ(report_path("run.2.safetensors"), "run.2.report.html");
  EXPECT_EQ(plots_path("a/b.c.safetensors"), "a/b.c.plots");
  std::set<path> all;
  for (const path model : {"run", "run.1", "run.2", "run.10", "a/run.1"})
    for (const path& file : {model, checkpoint_path(model), log_path(model), report_path(model), plots_path(model)})
      EXPECT_TRUE(all.insert(file).second) << file;
}

TEST_F(TrainingOutput, MembersOfACommitteeAreNumbered) {
  EXPECT_EQ(member_path(options, 0), options.output);
  options.committee = 2;
  EXPECT_EQ(member_path(options, 1), folder / "model-2.safetensors");
  options.output = folder / "run.1";
  EXPECT_EQ(member_path(options, 0), folder / "run.1-1");
}

TEST_F(TrainingOutput, NoFileOfATrainingReplacesAnInput) {
  EXPECT_THAT(refusal(), IsEmpty());
  options.start = options.output = make("start.safetensors");
  EXPECT_THAT(refusal(), HasSubstr("also an input"));
  options.start.clear();
  options.output = folder / "data";
  std::filesystem::create_hard_link(options.data.train[0], options.output);
  EXPECT_THAT(refusal(), HasSubstr("same file as the input"));
  options.output = folder / "model.safetensors";
  EXPECT_THAT(refusal(make("model.log.csv")), HasSubstr("model.log.csv"));
  options.overwrite = true;
  options.data.test = {make("model.report.html")};
  EXPECT_THAT(refusal(), HasSubstr("model.report.html"));
  options.committee = 2;
  options.data.test = {make("model-2.checkpoint.safetensors")};
  EXPECT_THAT(refusal(), HasSubstr("model-2.checkpoint.safetensors"));
}

TEST_F(TrainingOutput, AFileInAFolderOfReannsFormatIsAnInput) {
  std::filesystem::create_directory(folder / "reann");
  options.data.train = {folder / "reann"};
  options.output = make("reann/configuration");
  options.overwrite = true;
  EXPECT_THAT(refusal(), HasSubstr("configuration"));
}

TEST_F(TrainingOutput, ATrainingIsNotOverwrittenUnlessAskedFor) {
  for (const char* name : {"model.safetensors", "model.checkpoint.safetensors", "model.log.csv", "model.report.html"}) {
    const path file = make(name);
    EXPECT_THAT(refusal(), HasSubstr(std::string(name) + " exists already"));
    options.overwrite = true;
    EXPECT_THAT(refusal(), IsEmpty());
    options.overwrite = false;
    std::filesystem::remove(file);
  }
}

TEST_F(TrainingOutput, ResumingKeepsWhatHasACheckpointAndNothingElse) {
  options.resume = true;
  make("model.safetensors");
  EXPECT_THAT(refusal(), HasSubstr("exists already"));
  make("model.checkpoint.safetensors");
  EXPECT_THAT(refusal(), IsEmpty());
  options.committee = 2;
  make("model-1.checkpoint.safetensors");
  EXPECT_THAT(refusal(), IsEmpty());
  make("model-2.safetensors");
  EXPECT_THAT(refusal(), HasSubstr("model-2.safetensors exists already"));
}

TEST_F(TrainingOutput, ResumingAndOverwritingExcludeEachOther) {
  options.resume = options.overwrite = true;
  EXPECT_THAT(error_of([&] { check_options(options); }), HasSubstr("give one of them"));
}

TEST(FileEndings, OfOtherKindsAreRefused) {
  for (const char* name : {"data.extxyz", "DATA.XYZ", "REANN.pth", "c.toml", "m.log.csv", "m.checkpoint.safetensors"})
    EXPECT_THAT(error_of([&] { check_model_ending(name); }), HasSubstr("let the name end in .safetensors")) << name;
  for (const char* name : {"m.safetensors", "out.png", "out.traj", "out.xyz.gz"})
    EXPECT_THAT(error_of([&] { check_structures_ending(name); }), HasSubstr("let the name end in .extxyz")) << name;
  for (const char* name : {"m.safetensors", "run.1", "run", ".hidden"})
    EXPECT_THAT(error_of([&] { check_model_ending(name); }), IsEmpty()) << name;
  for (const char* name : {"out.extxyz", "out.xyz", "out", "a.safetensors/out"})
    EXPECT_THAT(error_of([&] { check_structures_ending(name); }), IsEmpty()) << name;
}

}  // namespace
}  // namespace grapevine::test
