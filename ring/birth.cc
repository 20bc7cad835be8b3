#include "ring/birth.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/limits.h"
#include "ring/placement.h"

namespace coterie {

std::vector<NodeId> choose_voters(const std::vector<Member>& members) {
  std::map<std::string_view, std::vector<NodeId>> zones;
  for (const Member& member : members) zones[member.zone].push_back(member.id);
  for (auto& [zone, ids] : zones) std::ranges::sort(ids);

  const std::size_t odd = members.size() - (members.size() % 2 == 0 ? 1 : 0);
  const std::size_t wanted = members.empty() ? 0 : std::min(odd, limits::voters_most);
  std::vector<NodeId> voters;
  for (std::size_t round = 0; voters.size() < wanted; ++round) {
    for (const auto& [zone, ids] : zones) {
      if (round < ids.size() && voters.size() < wanted) voters.push_back(ids[round]);
    }
  }
  std::ranges::sort(voters);
  return voters;
}

Result<Epoch> first_epoch(BirthInput input) {
  std::ranges::sort(input.members, {}, &Member::id);
  std::ranges::sort(input.buckets, {}, &Bucket::name);
  for (std::size_t i = 0; i < input.buckets.size(); ++i) {
    input.buckets[i].id = BucketId{static_cast<std::uint32_t>(i + 1)};
  }
  PlacementInput wanted{.nodes = {},
                        .partitions = input.partitions,
                        .replicas = input.replicas,
                        .previous_owners = {}};
  for (const Member& member : input.members) {
    wanted.nodes.push_back({.id = member.id, .zone = member.zone, .weight = member.weight});
  }
  auto placement = place(wanted);
  if (!placement) return std::unexpected(std::move(placement.error()));

  std::vector<NodeId> voters = choose_voters(input.members);
  return Epoch::make({
      .number = {.lineage = 1, .number = 1},
      .cluster = input.cluster,
      .hash_seed = input.hash_seed,
      .partitions = input.partitions,
      .replicas = input.replicas,
      .members = std::move(input.members),
      .voters = std::move(voters),
      .buckets = std::move(input.buckets),
      .owners = std::move(placement->owners),
      .configurations = std::vector(input.partitions, ConfigurationNumber{1}),
      .stages = std::vector(input.partitions, Stage::stable),
  });
}

}  // namespace coterie
