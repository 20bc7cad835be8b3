#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/simulation.h"

namespace coterie::sim {

/// What many runs did together.
class Totals {
 public:
  void add(const RunReport& report);
  void print() const;
  /// What of the floors of ./check was not reached; empty: all were.
  [[nodiscard]] std::vector<std::string> below_floors() const;

  [[nodiscard]] std::uint64_t runs() const { return runs_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  [[nodiscard]] double hours() const;

 private:
  [[nodiscard]] std::uint64_t faults() const;

  std::uint64_t runs_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t unknown_ = 0;
  std::uint64_t events_ = 0;
  Duration time_{};
  std::set<std::size_t> sizes_;
  std::map<FaultKind, RunReport::Faults> faults_;
};

}  // namespace coterie::sim
