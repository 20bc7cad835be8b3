#include "ring/epoch_check.h"

#include <algorithm>
#include <bit>
#include <set>

#include "base/limits.h"

namespace coterie {
namespace {

std::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::invalid_argument, "epoch: " + std::move(why));
}

bool graphic(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

template <class Range, class Key>
bool strictly_ascending(const Range& range, Key key) {
  return std::ranges::adjacent_find(range, [&](const auto& a, const auto& b) {
           return !(std::invoke(key, a) < std::invoke(key, b));
         }) == std::ranges::end(range);
}

bool is_member(const EpochContents& contents, NodeId id) {
  return std::ranges::binary_search(contents.members, id, {}, &Member::id);
}

Result<void> check_sizes(const EpochContents& c) {
  if (c.number.lineage == 0 || c.number.number == 0) return refuse("number and lineage begin at 1");
  if (c.cluster.is_zero()) return refuse("the cluster id is zero");
  if (!std::has_single_bit(c.partitions) || c.partitions < limits::partitions_least ||
      c.partitions > limits::partitions_most) {
    return refuse(
        "partitions must be a power of two from " + std::to_string(limits::partitions_least) +
        " to " + std::to_string(limits::partitions_most) + ", not " + std::to_string(c.partitions));
  }
  if (c.replicas == 0 || c.replicas > limits::replicas_most) {
    return refuse("replicas must be from 1 to " + std::to_string(limits::replicas_most) + ", not " +
                  std::to_string(c.replicas));
  }
  const std::size_t copies = std::size_t{c.partitions} * c.replicas;
  if (c.owners.size() != copies || c.configurations.size() != c.partitions ||
      c.stages.size() != c.partitions) {
    return refuse("owners, configurations and stages must cover every partition");
  }
  return {};
}

Result<void> check_members(const EpochContents& c) {
  if (c.members.size() < c.replicas || c.members.size() > limits::nodes) {
    return refuse(std::to_string(c.members.size()) + " members; there must be at least replicas (" +
                  std::to_string(c.replicas) + ") and at most " + std::to_string(limits::nodes));
  }
  if (!strictly_ascending(c.members, &Member::id) || c.members.front().id.is_zero()) {
    return refuse("members must be sorted by id, none zero, none twice");
  }
  std::set<std::string_view> zones;
  for (const Member& member : c.members) {
    const std::string who = "member " + to_hex(member.id) + ": ";
    if (!graphic(member.zone, limits::zone_name_bytes)) {
      return refuse(who + "a zone's name is 1 to " + std::to_string(limits::zone_name_bytes) +
                    " characters of graphic ASCII");
    }
    if (member.weight == 0 || member.weight > limits::weight_most) {
      return refuse(who + "weight must be from 1 to " + std::to_string(limits::weight_most));
    }
    if (!graphic(member.address, limits::address_bytes)) {
      return refuse(who + "its address is missing or malformed");
    }
    zones.insert(member.zone);
  }
  if (zones.size() > limits::zones) {
    return refuse(std::to_string(zones.size()) + " zones; at most " +
                  std::to_string(limits::zones));
  }
  return {};
}

Result<void> check_voters(const EpochContents& c) {
  if (c.voters.size() % 2 == 0 || c.voters.size() > limits::voters_most) {
    return refuse("voters must be an odd number, at most " + std::to_string(limits::voters_most));
  }
  if (!strictly_ascending(c.voters, std::identity{})) {
    return refuse("voters must be sorted, none twice");
  }
  for (const NodeId voter : c.voters) {
    if (!is_member(c, voter)) return refuse("voter " + to_hex(voter) + " is no member");
  }
  return {};
}

Result<void> check_buckets(const EpochContents& c) {
  if (c.buckets.size() > limits::buckets) {
    return refuse(std::to_string(c.buckets.size()) + " buckets; at most " +
                  std::to_string(limits::buckets));
  }
  if (!strictly_ascending(c.buckets, &Bucket::id) ||
      (!c.buckets.empty() && c.buckets.front().id.value == 0)) {
    return refuse("buckets must be sorted by id, from 1, none twice");
  }
  std::set<std::string_view> names;
  for (const Bucket& bucket : c.buckets) {
    if (auto fine = check_bucket(bucket, c.replicas); !fine) return refuse(fine.error().message);
    if (!names.insert(bucket.name).second) return refuse("bucket " + bucket.name + " twice");
  }
  return {};
}

Result<void> check_owners(const EpochContents& c, std::uint32_t partition,
                          std::span<const NodeId> owners) {
  const auto which = [&] { return "partition " + std::to_string(partition) + ": "; };
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (!is_member(c, owners[i])) {
      return refuse(which() + "owner " + to_hex(owners[i]) + " is no member");
    }
    if (std::ranges::count(owners.first(i), owners[i]) != 0) {
      return refuse(which() + "owner " + to_hex(owners[i]) + " twice");
    }
  }
  return {};
}

Result<void> check_partition(const EpochContents& c, std::uint32_t partition) {
  const auto which = [&] { return "partition " + std::to_string(partition) + ": "; };
  if (c.configurations[partition].value == 0) return refuse(which() + "configurations begin at 1");
  return check_owners(c, partition,
                      std::span(c.owners).subspan(std::size_t{partition} * c.replicas, c.replicas));
}

Result<void> check_change(const EpochContents& c, const Change& change,
                          std::set<PartitionId>& seen) {
  const std::string which = "change " + std::to_string(change.id) + ": ";
  if (change.id == 0 || change.id > c.number.number) return refuse(which + "its id is no epoch's");
  if (change.stage != Stage::open && change.stage != Stage::cut_over &&
      change.stage != Stage::aborting) {
    return refuse(which + "a change that is listed is under way");
  }
  if (change.handovers.empty() || !strictly_ascending(change.handovers, &Handover::partition)) {
    return refuse(which + "its partitions must be sorted, none twice, at least one");
  }
  if (!strictly_ascending(change.removed, std::identity{})) {
    return refuse(which + "removed nodes must be sorted, none twice");
  }
  for (const NodeId node : change.removed) {
    if (!is_member(c, node)) return refuse(which + "a removed node is a member until it ends");
  }
  for (const Handover& handover : change.handovers) {
    const auto partition = handover.partition.value;
    if (partition >= c.partitions || c.stages[partition] != change.stage) {
      return refuse(which + "its partitions must be at its stage");
    }
    if (!seen.insert(handover.partition).second) {
      return refuse("partition " + std::to_string(partition) + " is in two changes");
    }
    if (handover.new_owners.size() != c.replicas) {
      return refuse(which + "new owners must be as many as replicas");
    }
    if (auto fine = check_owners(c, partition, handover.new_owners); !fine) return fine;
  }
  return {};
}

/// When the change finishes, nothing may keep them.
Result<void> check_leaving(const EpochContents& c, const Change& change) {
  if (change.leaving.empty()) return {};
  const std::string which = "change " + std::to_string(change.id) + ": ";
  if (change.stage == Stage::aborting) return refuse(which + "nobody leaves by an aborted change");
  if (!strictly_ascending(change.leaving, std::identity{})) {
    return refuse(which + "leaving nodes must be sorted, none twice");
  }
  const auto leaves = [&change](NodeId node) {
    return std::ranges::binary_search(change.leaving, node);
  };
  for (const NodeId node : change.leaving) {
    if (!is_member(c, node)) return refuse(which + "a leaving node is a member until it ends");
  }
  for (const Change& other : c.changes) {
    for (const Handover& handover : other.handovers) {
      if (std::ranges::any_of(handover.new_owners, leaves)) {
        return refuse(which + "a leaving node is given a partition");
      }
    }
  }
  for (std::size_t i = 0; i < c.owners.size(); ++i) {
    const PartitionId partition{static_cast<std::uint32_t>(i / c.replicas)};
    const bool is_handed_over =
        std::ranges::binary_search(change.handovers, partition, {}, &Handover::partition);
    if (!is_handed_over && leaves(c.owners[i])) {
      return refuse(which + "a leaving node owns a partition that it does not hand over");
    }
  }
  return {};
}

Result<void> check_changes(const EpochContents& c) {
  if (!strictly_ascending(c.changes, &Change::id)) return refuse("changes must be sorted by id");
  std::set<PartitionId> seen;
  std::set<NodeId> leaving;
  for (const Change& change : c.changes) {
    if (auto fine = check_change(c, change, seen); !fine) return fine;
    if (auto fine = check_leaving(c, change); !fine) return fine;
    for (const NodeId node : change.leaving) {
      if (!leaving.insert(node).second) return refuse("node " + to_hex(node) + " leaves twice");
    }
  }
  if (c.members.size() < leaving.size() + c.replicas) {
    return refuse("fewer members than replicas would be left when all changes end");
  }
  const auto moving =
      c.stages.size() - static_cast<std::size_t>(std::ranges::count(c.stages, Stage::stable));
  if (moving != seen.size()) return refuse("a partition that is not stable is in no change");
  return {};
}

}  // namespace

Result<void> check_bucket(const Bucket& bucket, std::uint32_t replicas) {
  if (!graphic(bucket.name, limits::bucket_name_bytes)) {
    return fail(ErrorCode::invalid_argument, "a bucket's name is 1 to " +
                                                 std::to_string(limits::bucket_name_bytes) +
                                                 " characters of graphic ASCII");
  }
  const std::string which = "bucket " + bucket.name + ": ";
  if (bucket.r == 0 || bucket.r > replicas || bucket.w == 0 || bucket.w > replicas) {
    return fail(ErrorCode::invalid_argument, which + "r and w must be from 1 to the replicas (" +
                                                 std::to_string(replicas) + ")");
  }
  // Everything promised rests on reads and writes meeting; a request may ask for less, and says so.
  if (bucket.r + bucket.w <= replicas) {
    return fail(ErrorCode::invalid_argument,
                which + "r + w must exceed the replicas (" + std::to_string(replicas) +
                    "); weaker reads and writes are asked for with each request");
  }
  const bool is_least = bucket.least_r < bucket.r && bucket.least_w < bucket.w;
  if (!is_least || bucket.lowest_r() + bucket.lowest_w() <= replicas) {
    return fail(ErrorCode::invalid_argument,
                which +
                    "the lowest r and w that it has had are not below those of now, or do not "
                    "meet in all replicas");
  }
  if (bucket.default_ttl.count() < 0 || bucket.default_ttl > limits::time_to_live_most) {
    return fail(ErrorCode::invalid_argument,
                which + "the default time to live is at most a century");
  }
  return {};
}

Result<void> check_epoch(const EpochContents& contents) {
  for (const auto part : {check_sizes, check_members, check_voters, check_buckets}) {
    if (auto fine = part(contents); !fine) return fine;
  }
  for (std::uint32_t partition = 0; partition < contents.partitions; ++partition) {
    if (auto fine = check_partition(contents, partition); !fine) return fine;
  }
  return check_changes(contents);
}

}  // namespace coterie
