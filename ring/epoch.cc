#include "ring/epoch.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "ring/epoch_check.h"
#include "ring/epoch_codec.h"

namespace coterie {

Result<Epoch> Epoch::make(EpochContents contents) {
  if (auto fine = check_epoch(contents); !fine) return std::unexpected(std::move(fine.error()));
  return Epoch(std::move(contents));
}

Epoch::Epoch(EpochContents contents)
    : contents_(std::move(contents)),
      buckets_by_name_(contents_.buckets.size()),
      hash_(content_hash(contents_)) {
  std::iota(buckets_by_name_.begin(), buckets_by_name_.end(), std::uint16_t{0});
  std::ranges::sort(buckets_by_name_, {}, [this](std::uint16_t place) -> std::string_view {
    return contents_.buckets[place].name;
  });
}

std::span<const NodeId> Epoch::owners(PartitionId partition) const {
  check(partition.value < contents_.partitions, "a partition is below the number of partitions");
  return std::span(contents_.owners)
      .subspan(std::size_t{partition.value} * contents_.replicas, contents_.replicas);
}

bool Epoch::owns(NodeId node, PartitionId partition) const {
  return std::ranges::count(owners(partition), node) != 0;
}

ConfigurationNumber Epoch::configuration(PartitionId partition) const {
  check(partition.value < contents_.partitions, "a partition is below the number of partitions");
  return contents_.configurations[partition.value];
}

Stage Epoch::stage(PartitionId partition) const {
  check(partition.value < contents_.partitions, "a partition is below the number of partitions");
  return contents_.stages[partition.value];
}

const Change* Epoch::change(PartitionId partition) const {
  const auto lists = [partition](const Change& change) {
    return std::ranges::binary_search(change.handovers, partition, {}, &Handover::partition);
  };
  if (stage(partition) == Stage::stable) return nullptr;
  const auto found = std::ranges::find_if(contents_.changes, lists);
  check(found != contents_.changes.end(), "a partition that is not stable is in a change");
  return &*found;
}

bool Epoch::is_leaving(NodeId node) const {
  return std::ranges::any_of(contents_.changes, [node](const Change& change) {
    return std::ranges::binary_search(change.leaving, node);
  });
}

const Handover* Epoch::handover(PartitionId partition) const {
  const Change* of = change(partition);
  if (of == nullptr) return nullptr;
  return &*std::ranges::lower_bound(of->handovers, partition, {}, &Handover::partition);
}

transition::Configuration Epoch::at(PartitionId partition) const {
  transition::Configuration out{.number = configuration(partition),
                                .stage = stage(partition),
                                .old_owners = owners(partition)};
  if (const Handover* of = handover(partition)) out.new_owners = of->new_owners;
  return out;
}

std::vector<NodeId> Epoch::holders(PartitionId partition) const {
  const auto own = owners(partition);
  std::vector<NodeId> out(own.begin(), own.end());
  const Handover* of = handover(partition);
  if (of == nullptr) return out;
  for (const NodeId node : of->new_owners) {
    if (std::ranges::count(own, node) == 0) out.push_back(node);
  }
  return out;
}

bool Epoch::holds(NodeId node, PartitionId partition) const {
  if (owns(node, partition)) return true;
  const Handover* of = handover(partition);
  return of != nullptr && std::ranges::count(of->new_owners, node) != 0;
}

std::vector<PartitionId> Epoch::partitions_held_by(NodeId node) const {
  std::vector<PartitionId> held;
  for (std::uint32_t partition = 0; partition < contents_.partitions; ++partition) {
    if (holds(node, PartitionId{partition})) held.push_back(PartitionId{partition});
  }
  return held;
}

std::span<const NodeId> Epoch::readers(PartitionId partition) const {
  if (stage(partition) != Stage::cut_over) return owners(partition);
  return handover(partition)->new_owners;
}

std::vector<NodeId> Epoch::preference_list(PartitionId partition, std::size_t most) const {
  most = std::min(most, contents_.members.size());
  std::vector<NodeId> list;
  list.reserve(most);
  std::vector<bool> listed(contents_.members.size(), false);
  const auto add = [&](NodeId node) {
    const std::size_t place = *member_index(node);
    if (list.size() < most && !listed[place]) {
      listed[place] = true;
      list.push_back(node);
    }
  };
  for (std::uint32_t step = 0; step < contents_.partitions && list.size() < most; ++step) {
    const PartitionId next{(partition.value + step) & (contents_.partitions - 1)};
    for (const NodeId owner : owners(next)) add(owner);
  }
  for (const Member& member : contents_.members) add(member.id);
  return list;
}

std::vector<PartitionId> Epoch::partitions_of(NodeId node) const {
  std::vector<PartitionId> owned;
  for (std::uint32_t partition = 0; partition < contents_.partitions; ++partition) {
    if (owns(node, PartitionId{partition})) owned.push_back(PartitionId{partition});
  }
  return owned;
}

std::optional<std::size_t> Epoch::member_index(NodeId id) const {
  const auto found = std::ranges::lower_bound(contents_.members, id, {}, &Member::id);
  if (found == contents_.members.end() || found->id != id) return std::nullopt;
  return static_cast<std::size_t>(found - contents_.members.begin());
}

const Member* Epoch::member(NodeId id) const {
  const auto place = member_index(id);
  return place ? &contents_.members[*place] : nullptr;
}

const Bucket* Epoch::bucket(BucketId id) const {
  const auto found = std::ranges::lower_bound(contents_.buckets, id, {}, &Bucket::id);
  return found != contents_.buckets.end() && found->id == id ? &*found : nullptr;
}

const Bucket* Epoch::bucket(std::string_view name) const {
  const auto name_of = [this](std::uint16_t place) -> std::string_view {
    return contents_.buckets[place].name;
  };
  const auto found = std::ranges::lower_bound(buckets_by_name_, name, {}, name_of);
  if (found == buckets_by_name_.end() || name_of(*found) != name) return nullptr;
  return &contents_.buckets[*found];
}

}  // namespace coterie
