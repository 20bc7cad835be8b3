#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace coterie::bench {

struct PlotFile {
  std::string name;
  std::string contents;
};

/// Pictures, as SVG, of a small file that `coterie-bench compare --result` or `bench/scaling
/// --result` wrote. Error: it is neither.
[[nodiscard]] Result<std::vector<PlotFile>> plots_of(std::string_view result);

}  // namespace coterie::bench
