#pragma once

#include <filesystem>
#include <vector>

#include "report/picture.hpp"
#include "training/report/training_summary.hpp"

namespace grapevine {

/// The sets in the order a model is judged by: test, valid, then what it was trained on.
std::vector<const SetResult*> sets_to_judge_by(const TrainingSummary& summary);

/// RMSEs of energy, forces and virial, loss and learning rate against the epoch: those of them there are.
std::vector<Picture> learning_curves(const std::vector<EpochRecord>& epochs);

/// Prediction against reference of energy, forces and virial: those of them there are.
std::vector<Picture> parity_plots(const SetResult& set);

/// Distributions of the errors of the same quantities; `where` ends their titles.
std::vector<Picture> error_histograms(const SetResult& set, const std::string& where = {});

/// All curves in one picture, or one picture each where they are many; the repulsive wall is cut off so that the wells
/// can be seen. Curves beyond the first 36 are left out.
std::vector<Picture> dimer_plots(const std::vector<DimerCurve>& curves);
std::size_t columns_of_dimer_plots(const std::vector<Picture>& plots);

/// The pictures of the report as learning_curves.png, parity_<set>.png, histograms.png and dimers.png in a folder that
/// exists; pictures without data are not written. Throws Error.
void write_training_plots(const std::filesystem::path& folder, const TrainingSummary& summary);

}  // namespace grapevine
