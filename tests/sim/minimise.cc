#include "tests/sim/minimise.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace coterie::sim {
namespace {

constexpr std::size_t runs_most = 500;

class Search {
 public:
  Search(const RunOptions& options, const RunReport& report)
      : best_{.options = options, .report = report, .runs = 0}, oracle_(report.violation->oracle) {
    best_.options.strikes = {.only = numbers(report), .without = {}};
  }

  Minimised run() && {
    std::set<FaultKind> kinds;
    for (const auto& strike : best_.report.strikes) kinds.insert(strike.kind);
    for (const auto kind : kinds) {
      try_without([kind](const Nemesis::Strike& strike) { return strike.kind == kind; });
    }
    for (std::size_t part = best_.report.strikes.size(); part > 0; part /= 2) try_parts(part);
    return std::move(best_);
  }

 private:
  static std::set<std::uint64_t> numbers(const RunReport& report) {
    std::set<std::uint64_t> out;
    for (const auto& strike : report.strikes) out.insert(strike.number);
    return out;
  }

  /// Leaves out runs of `part` strikes, from the last.
  void try_parts(std::size_t part) {
    for (std::size_t end = best_.report.strikes.size(); end > 0;) {
      const std::size_t begin = end - std::min(part, end);
      std::set<std::uint64_t> out;
      for (std::size_t i = begin; i < end && i < best_.report.strikes.size(); ++i) {
        out.insert(best_.report.strikes[i].number);
      }
      try_without([&out](const Nemesis::Strike& strike) { return out.contains(strike.number); });
      end = std::min(begin, best_.report.strikes.size());
    }
  }

  void try_without(const std::function<bool(const Nemesis::Strike&)>& is_out) {
    RunOptions options = best_.options;
    std::set<std::uint64_t> only;
    for (const auto& strike : best_.report.strikes) {
      if (!is_out(strike)) only.insert(strike.number);
    }
    if (only.size() == best_.report.strikes.size() || best_.runs == runs_most) return;
    options.strikes.only = std::move(only);
    ++best_.runs;
    auto report = run_simulation(options);
    if (!report.violation || report.violation->oracle != oracle_) return;
    best_.options = std::move(options);
    best_.report = std::move(report);
  }

  Minimised best_;
  std::string oracle_;
};

}  // namespace

Minimised minimise(const RunOptions& options, const RunReport& report) {
  check(report.violation.has_value(), "a run that failed is minimised");
  return Search(options, report).run();
}

}  // namespace coterie::sim
