#include "training/run/training_log.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

EpochRecord record_of(int epoch) {
  EpochRecord record;
  record.epoch = epoch;
  record.seconds = 0.5 * epoch;
  record.learning_rate = 1e-3;
  record.train_loss = 3;
  record.valid_virial = 0.25;
  return record;
}

std::vector<int> epochs_in(const std::filesystem::path& path) {
  std::vector<int> epochs;
  for (const EpochRecord& record : read_training_log(path)) epochs.push_back(record.epoch);
  return epochs;
}

TEST(TrainingLogFile, StandsBesideTheModel) { EXPECT_EQ(log_path("a/model.safetensors"), "a/model.log.csv"); }

TEST(TrainingLogFile, IsReadBack) {
  const auto path = test::temporary_path("log.csv");
  TrainingLog log(path, 0);
  log.add(record_of(1));
  log.add(record_of(2));
  const std::vector<EpochRecord> records = read_training_log(path);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].epoch, 2);
  EXPECT_EQ(records[1].seconds, 1);
  EXPECT_EQ(records[1].learning_rate, 1e-3);
  EXPECT_EQ(records[1].train_loss, 3);
  EXPECT_EQ(records[1].valid_virial, 0.25);
}

TEST(TrainingLogFile, IsOfOneTrainingAtATime) {
  const auto path = test::temporary_path("log.csv");
  {
    TrainingLog log(path, 0);
    log.add(record_of(1));
    EXPECT_THAT([&] { TrainingLog(path, 0); },
                ::testing::ThrowsMessage<Error>(HasSubstr("log.csv is being written by another run")));
    log.add(record_of(2));
    EXPECT_THAT(epochs_in(path), ElementsAre(1, 2));
  }
  EXPECT_NO_THROW(TrainingLog(path, 2));
}

TEST(TrainingLogFile, IsEmptyWhereThereAreNoReferences) {
  const auto path = test::temporary_path("log.csv");
  TrainingLog(path, 0).add(record_of(2));
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::getline(file, line);
  EXPECT_EQ(line, "2,1,0.001,3,,,,,,,0.25");
}

TEST(TrainingLogFile, GoesOnAfterTheEpochsThatAreKept) {
  const auto path = test::temporary_path("log.csv");
  {
    TrainingLog log(path, 0);
    for (int epoch = 1; epoch <= 5; ++epoch) log.add(record_of(epoch));
  }
  std::ofstream(path, std::ios::app) << "6,3.0,1e-";  // as a crash leaves it
  TrainingLog(path, 3).add(record_of(4));
  EXPECT_THAT(epochs_in(path), ElementsAre(1, 2, 3, 4));
  TrainingLog(path, 0);
  EXPECT_THAT(epochs_in(path), ElementsAre());
}

TEST(TrainingLogFile, OtherFilesAreRefused) {
  const auto path = test::temporary_path("log.csv");
  std::ofstream(path) << "a,b\n1,2\n";
  EXPECT_THAT(test::error_of([&] { TrainingLog(path, 1); }), HasSubstr("log.csv:1: this is not the header"));
  TrainingLog(path, 0).add(record_of(1));
  std::ofstream(path, std::ios::app) << "2,1,2\n";
  EXPECT_THAT(test::error_of([&] { read_training_log(path); }), HasSubstr("log.csv:3: "));
  EXPECT_THAT(test::error_of([] { read_training_log("/no/such/log"); }), HasSubstr("cannot open"));
}

}  // namespace
}  // namespace grapevine
