#include "tests/sim/fault_kinds.h"

#include <algorithm>
#include <array>

namespace coterie::sim {
namespace {

constexpr std::array<std::string_view, fault_kinds> kind_names = {"process crash",
                                                                  "power loss",
                                                                  "torn power loss",
                                                                  "power loss of all",
                                                                  "owners away",
                                                                  "restart",
                                                                  "pause",
                                                                  "one-way cut",
                                                                  "isolation",
                                                                  "partition",
                                                                  "broken connections",
                                                                  "lossy links",
                                                                  "unordered frames",
                                                                  "lossy datagrams",
                                                                  "doubled datagrams",
                                                                  "slow links",
                                                                  "slow disk",
                                                                  "failing disk",
                                                                  "full disk",
                                                                  "full map",
                                                                  "skewed clock",
                                                                  "older version",
                                                                  "lost record",
                                                                  "flipped record",
                                                                  "flipped log",
                                                                  "old snapshot",
                                                                  "wipe"};

}  // namespace

std::string_view name(FaultKind kind) {
  return kind_names.at(static_cast<std::size_t>(kind));
}

std::optional<FaultKind> fault_kind(std::string_view name) {
  const auto found = std::ranges::find(kind_names, name);
  if (found == kind_names.end()) return std::nullopt;
  return static_cast<FaultKind>(found - kind_names.begin());
}

bool is_destructive(FaultKind kind) {
  return kind >= FaultKind::lost_record;
}

}  // namespace coterie::sim
