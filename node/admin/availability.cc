#include "node/admin/availability.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "ring/transition/joint_quorum.h"
#include "ring/transition/place_quorum.h"

namespace coterie::admin {
namespace {

using transition::Places;

/// Some owners, and how many of them requests need.
struct Need {
  Places owners = 0;
  std::uint32_t needed = 0;
};

/// The greatest R and W of all buckets; a majority, as buckets mostly have, where there is none.
struct Greatest {
  std::uint32_t r = 0;
  std::uint32_t w = 0;
};

Greatest greatest_of(const Epoch& epoch) {
  Greatest out;
  for (const auto& bucket : epoch.buckets()) {
    out.r = std::max(out.r, bucket.r);
    out.w = std::max(out.w, bucket.w);
  }
  const auto majority = epoch.replicas() / 2 + 1;
  if (epoch.buckets().empty()) out = {.r = majority, .w = majority};
  return out;
}

/// How many zones can go before more than `spare` of some owners are gone: the zones that hold most
/// of them go first.
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

/// One partition, and who of it can be reached.
class Holders {
 public:
  Holders(const Epoch& epoch, PartitionId partition, const Greatest& greatest,
          const std::set<NodeId>& reachable)
      : epoch_(epoch) {
    const auto configuration = epoch.at(partition);
    const auto groups = transition::groups_of(configuration);
    needs_ = {{groups.old_owners, greatest.w},
              {groups.new_owners, greatest.w},
              {groups.readers(), greatest.r}};
    std::erase_if(needs_, [](const Need& need) { return need.owners == 0; });
    nodes_ = transition::Quorum::of_write(configuration, 1).targets();
    for (std::size_t place = 0; place < nodes_.size(); ++place) {
      if (reachable.contains(nodes_[place])) up_ |= Places{1} << place;
    }
  }

  [[nodiscard]] const std::vector<NodeId>& nodes() const { return nodes_; }
  [[nodiscard]] bool is_up(std::size_t place) const { return (up_ >> place & 1) != 0; }
  [[nodiscard]] bool is_full() const { return up_ == (Places{1} << nodes_.size()) - 1; }

  /// So many more, whichever they are, may go; none: a quorum is gone already.
  [[nodiscard]] std::optional<std::uint32_t> spare() const {
    std::uint32_t out = epoch_.replicas();
    for (const auto& need : needs_) {
      const auto up = static_cast<std::uint32_t>(std::popcount(need.owners & up_));
      if (up < need.needed) return std::nullopt;
      out = std::min(out, up - need.needed);
    }
    return out;
  }

  /// With a quorum: so many whole zones may go.
  [[nodiscard]] std::uint32_t spare_zones() const {
    auto out = static_cast<std::uint32_t>(limits::zones);
    for (const auto& need : needs_) {
      std::map<std::string_view, std::uint32_t> by_zone;
      std::uint32_t up = 0;
      for (std::size_t place = 0; place < nodes_.size(); ++place) {
        if (!is_up(place) || (need.owners >> place & 1) == 0) continue;
        ++up;
        ++by_zone[epoch_.member(nodes_[place])->zone];
      }
      out = std::min(out, zones_to_spare(by_zone, up - need.needed));
    }
    return out;
  }

 private:
  const Epoch& epoch_;
  std::vector<Need> needs_;
  std::vector<NodeId> nodes_;
  Places up_ = 0;
};

/// Gathers the thinnest of the partitions that it is shown in ascending order.
class Thinnest {
 public:
  void add(PartitionId partition, const Holders& holders) {
    const auto spare = holders.spare();
    if (is_any_ && spare > out_.spare) return;
    if (!is_any_ || spare < out_.spare) start_with(spare);
    ++out_.partitions;
    if (out_.first.size() < limits::partitions_named) out_.first.push_back(partition);
    for (std::size_t place = 0; place < holders.nodes().size(); ++place) {
      if (holders.is_up(place)) {
        resting_on_.insert(holders.nodes()[place]);
      } else {
        ++lacking_[holders.nodes()[place]];
      }
    }
  }

  ThinPartitions take() {
    // Where nothing is missing all are as they should be.
    if (lacking_.empty()) return {};
    for (const auto& [node, partitions] : lacking_) out_.lacking.push_back({node, partitions});
    out_.resting_on.assign(resting_on_.begin(), resting_on_.end());
    return std::move(out_);
  }

 private:
  void start_with(std::optional<std::uint32_t> spare) {
    is_any_ = true;
    out_ = {.spare = spare};
    lacking_.clear();
    resting_on_.clear();
  }

  bool is_any_ = false;
  ThinPartitions out_;
  std::map<NodeId, std::uint32_t> lacking_;
  std::set<NodeId> resting_on_;
};

}  // namespace

Availability availability_of(const Epoch& epoch, const std::set<NodeId>& reachable) {
  const Greatest greatest = greatest_of(epoch);
  Availability out{.partitions = epoch.partitions(), .quorum = std::max(greatest.r, greatest.w)};
  std::uint32_t nodes = epoch.replicas();
  auto zones = static_cast<std::uint32_t>(limits::zones);
  Thinnest thinnest;
  for (std::uint32_t p = 0; p < epoch.partitions(); ++p) {
    const Holders holders(epoch, PartitionId{p}, greatest, reachable);
    if (epoch.stage(PartitionId{p}) != Stage::stable) ++out.changing;
    thinnest.add(PartitionId{p}, holders);
    const auto spare = holders.spare();
    if (!spare) {
      ++out.without_quorum;
      continue;
    }
    ++(holders.is_full() ? out.full : out.short_of_copies);
    nodes = std::min(nodes, *spare);
    zones = std::min(zones, holders.spare_zones());
  }
  if (out.without_quorum == 0) {
    out.nodes_may_fail = nodes;
    out.zones_may_fail = zones;
  }
  out.thin = thinnest.take();
  return out;
}

std::vector<PartitionId> resting_on(const Epoch& epoch, std::set<NodeId> reachable, NodeId node) {
  reachable.erase(node);
  const Greatest greatest = greatest_of(epoch);
  std::vector<PartitionId> out;
  for (const auto partition : epoch.partitions_held_by(node)) {
    if (!Holders(epoch, partition, greatest, reachable).spare()) out.push_back(partition);
  }
  return out;
}

}  // namespace coterie::admin
