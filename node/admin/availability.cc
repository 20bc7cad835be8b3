#include "node/admin/availability.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "base/limits.h"

namespace coterie::admin {
namespace {

std::uint32_t quorum_of(const Epoch& epoch) {
  std::uint32_t most = 1;
  for (const auto& bucket : epoch.buckets()) most = std::max({most, bucket.r, bucket.w});
  return most;
}

/// How many zones can go before more than `spare` of a partition's owners are gone: the zones that
/// hold most of them go first.
std::uint32_t zones_to_spare(const std::map<std::string_view, std::uint32_t>& by_zone,
                             std::uint32_t spare) {
  std::vector<std::uint32_t> counts;
  for (const auto& [zone, count] : by_zone) counts.push_back(count);
  std::ranges::sort(counts, std::greater{});
  std::uint32_t gone = 0;
  std::uint32_t zones = 0;
  for (const auto count : counts) {
    gone += count;
    if (gone > spare) break;
    ++zones;
  }
  return zones;
}

}  // namespace

Availability availability_of(const Epoch& epoch, const std::set<NodeId>& reachable) {
  Availability out{.partitions = epoch.partitions(), .quorum = quorum_of(epoch)};
  std::uint32_t nodes = epoch.replicas();
  std::uint32_t zones = static_cast<std::uint32_t>(limits::zones);
  for (std::uint32_t p = 0; p < epoch.partitions(); ++p) {
    std::uint32_t up = 0;
    std::map<std::string_view, std::uint32_t> by_zone;
    for (const auto owner : epoch.owners(PartitionId{p})) {
      if (!reachable.contains(owner)) continue;
      ++up;
      ++by_zone[epoch.member(owner)->zone];
    }
    if (up < out.quorum) {
      ++out.without_quorum;
      continue;
    }
    ++(up == epoch.replicas() ? out.full : out.short_of_copies);
    const std::uint32_t spare = up - out.quorum;
    nodes = std::min(nodes, spare);
    zones = std::min(zones, zones_to_spare(by_zone, spare));
  }
  if (out.without_quorum == 0) {
    out.nodes_may_fail = nodes;
    out.zones_may_fail = zones;
  }
  return out;
}

}  // namespace coterie::admin
