#include "tests/sim/totals.h"

#include <chrono>
#include <cstdio>
#include <string_view>

namespace coterie::sim {
namespace {

/// Below these a run of ./check shows too little.
namespace floors {
constexpr std::uint64_t seeds = 200;
constexpr double hours = 20;
constexpr std::size_t nodes_least = 3;
constexpr std::size_t nodes_most = 9;
constexpr std::uint64_t operations = 1000000;
constexpr std::uint64_t faults = 20000;
constexpr std::uint64_t faults_of_each_kind = 50;
}  // namespace floors

unsigned long long wide(std::uint64_t number) {
  return number;
}

}  // namespace

void Totals::add(const RunReport& report) {
  ++runs_;
  if (report.violation) ++failed_;
  operations_ += report.gets + report.scans + report.writes;
  acknowledged_ += report.acknowledged;
  refused_ += report.refused;
  unknown_ += report.unknown;
  events_ += report.events;
  time_ += report.time;
  sizes_.insert(report.nodes);
  for (const auto& [kind, faults] : report.faults) {
    faults_[kind].count += faults.count;
    faults_[kind].followed += faults.followed;
  }
}

double Totals::hours() const {
  return std::chrono::duration<double, std::ratio<3600>>(time_).count();
}

std::uint64_t Totals::faults() const {
  std::uint64_t all = 0;
  for (const auto& [kind, faults] : faults_) all += faults.count;
  return all;
}

void Totals::print() const {
  std::printf("%-22s %10s %10s\n", "faults", "count", "followed by an acknowledged operation");
  for (const auto& [kind, faults] : faults_) {
    std::printf("  %-20s %10llu %10llu\n", std::string(name(kind)).c_str(), wide(faults.count),
                wide(faults.followed));
  }
  std::printf(
      "%llu seeds, %.2f simulated hours, %llu operations (%llu acknowledged, %llu refused, "
      "%llu unknown), %llu faults, %llu events, %llu violations\n",
      wide(runs_), hours(), wide(operations_), wide(acknowledged_), wide(refused_), wide(unknown_),
      wide(faults()), wide(events_), wide(failed_));
}

std::vector<std::string> Totals::below_floors() const {
  std::vector<std::string> out;
  const auto demand = [&out](std::string_view what, double got, double floor) {
    if (got >= floor) return;
    char line[200];
    std::snprintf(line, sizeof line, "%s: %.1f, at least %.0f are demanded",
                  std::string(what).c_str(), got, floor);
    out.emplace_back(line);
  };
  demand("seeds", static_cast<double>(runs_), floors::seeds);
  demand("simulated hours", hours(), floors::hours);
  demand("operations", static_cast<double>(operations_), floors::operations);
  demand("faults", static_cast<double>(faults()), floors::faults);
  for (std::size_t size = floors::nodes_least; size <= floors::nodes_most; ++size) {
    demand("clusters of " + std::to_string(size) + " nodes",
           static_cast<double>(sizes_.count(size)), 1);
  }
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    const auto found = faults_.find(kind);
    const std::uint64_t followed = found == faults_.end() ? 0 : found->second.followed;
    demand(std::string(name(kind)) + ", followed by an acknowledged operation",
           static_cast<double>(followed), floors::faults_of_each_kind);
  }
  return out;
}

}  // namespace coterie::sim
