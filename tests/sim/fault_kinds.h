#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coterie::sim {

/// What can go wrong in a run.
enum class FaultKind : std::uint8_t {
  process_crash,
  power_loss,       // only what was synced is left
  torn_power_loss,  // and any part of what was written since
  power_loss_of_all,
  owners_away,  // of one partition, two or all, at once
  restart,
  pause,
  one_way_cut,
  isolation,
  partition,  // in two groups, clients too
  broken_connections,
  lossy_links,
  unordered_frames,
  lossy_datagrams,
  doubled_datagrams,
  slow_links,
  slow_disk,
  failing_disk,
  full_disk,
  full_map,
  skewed_clock,
  older_version,
  lost_record,
  flipped_record,
  flipped_log,
  old_snapshot,
  wipe,
};
inline constexpr std::size_t fault_kinds = 27;

/// As people and command lines write it: "power loss".
[[nodiscard]] std::string_view name(FaultKind kind);
[[nodiscard]] std::optional<FaultKind> fault_kind(std::string_view name);

/// It destroys stored data: of one node a run, so that fewer than W copies are gone.
[[nodiscard]] bool is_destructive(FaultKind kind);

}  // namespace coterie::sim
