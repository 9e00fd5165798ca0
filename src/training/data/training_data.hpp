#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "training/data/data_size.hpp"
#include "training/data/dataset.hpp"
#include "training/options/options.hpp"

namespace grapevine {

/// What a user should know of the data before a training starts.
struct DataReport {
  DataSummary train;  ///< with those that are split off for validation
  DataSummary valid;
  DataSummary test;
  DataSummary replay;                ///< of reference values that the files have, whether they are used or not
  std::size_t split_off = 0;         ///< frames of `train` that are validated with, where `valid` is empty
  std::vector<std::string> species;  ///< of the model
  NeighbourSample neighbours;        ///< within the cutoff, in a sample of `train`
  double bytes = 0;                  ///< of neighbour lists, estimated
  std::map<std::string, double> isolated_atoms;  ///< eV, that the model has exactly
  std::vector<std::string> weights;              ///< of structures that do not count once in the loss, a line each
  std::vector<std::string> undetermined;         ///< elements whose reference energies do not follow from the data
  std::vector<std::string> warnings;             ///< one line each
};

/// All structures of a training.
struct TrainingData {
  std::vector<LabelledFrame> train;  ///< with those that split_frames() sets aside where `valid` is empty
  std::vector<LabelledFrame> valid;
  std::vector<LabelledFrame> test;
  std::vector<LabelledFrame> replay;  ///< as the files have them: see label_replay()
  DataReport report;
};

/// What weights structures of a training have in the loss, a line each: those of the options for a config_type, and
/// those that the structures' headers give.
std::vector<std::string> describe_weights(std::span<const LabelledFrame> frames,
                                          const std::map<std::string, double>& type_weights);

/// Reads and checks the data of a training; structures without any reference value are left out, with a warning, as are
/// isolated atoms where the model has their energies without being trained on them, and those of validation.
/// `species` are those of the model that is gone on from, to which options.model.species may add others; without such a
/// model, elements are options.model.species or, where that is empty too, those of `train` by atomic number. Throws
/// Error with file, line and frame as read_labelled_frames() does, and for files that have no reference values at all,
/// a named key that is in no frame of `train`, an element that the model does not know or has no data for, a virial in
/// the loss without virials, a weight for a config_type that no structure has, weights that leave nothing to train on,
/// a cutoff within which no atom has a neighbour, structures of replay that have elements which the model of the start
/// does not know, and data that do not fit in memory.
TrainingData read_training_data(const TrainingOptions& options, const std::vector<std::string>& species = {});

}  // namespace grapevine
