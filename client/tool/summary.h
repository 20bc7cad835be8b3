#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "client/tool/record_flow.h"

namespace coterie::tool {

/// The last words of a bulk command: its counts by name, seconds, operations a second.
class Summary {
 public:
  [[nodiscard]] static Summary of_import();
  [[nodiscard]] static Summary of_compare();

  /// "117,659 records in 2.31 s (50,934/s): 117,659 acknowledged, 0 failed"; counts that are rarely
  /// anything else stand there only when they are not 0.
  [[nodiscard]] std::string text(const Tally& tally, Duration time) const;
  /// {"records":..,"acknowledged":..,"failed":..,"unknown":..,"settled":..,"bad_lines":..,
  /// "seconds":..,"operations_per_second":..}; compare has "equal", "different", "missing",
  /// "failed", "bad_lines".
  [[nodiscard]] std::string json(const Tally& tally, Duration time) const;

 private:
  struct Count {
    std::string_view name;  // in JSON
    std::string_view words;
    std::uint64_t Tally::*number;
    bool is_rare = false;
  };
  using Counts = std::vector<Count>;
  explicit Summary(Counts counts) : counts_(std::move(counts)) {}

  Counts counts_;
};

}  // namespace coterie::tool
