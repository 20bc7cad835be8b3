#pragma once

#include "tests/sim/simulation.h"

namespace coterie::sim {

struct Minimised {
  /// The run with the fewest faults that was found to fail; its `strikes.only` names them.
  RunOptions options;
  RunReport report;
  std::size_t runs = 0;
};

/// Leaves faults out, whole kinds first, then ever smaller parts of what is left, as long as the
/// same oracle fails (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
/// 2002). `report` is of a run of `options`, which failed.
[[nodiscard]] Minimised minimise(const RunOptions& options, const RunReport& report);

}  // namespace coterie::sim
