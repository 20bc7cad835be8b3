#include "ring/plan/report.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "ring/plan/members.h"
#include "ring/plan/under_way.h"
#include "ring/transition/entries.h"
#include "ring/transition/sources.h"

namespace coterie::plan {
namespace {

using Owners = std::span<const NodeId>;

bool has(Owners nodes, NodeId node) {
  return std::ranges::count(nodes, node) != 0;
}

/// Partitions whose owners do not spread over as many zones as they could.
std::uint32_t zones_violated(std::span<const Member> members, Owners owners,
                             std::uint32_t replicas) {
  std::map<NodeId, std::string_view> zone_of;
  std::set<std::string_view> zones;
  for (const Member& member : members) {
    zone_of[member.id] = member.zone;
    zones.insert(member.zone);
  }
  const auto wanted = std::min<std::size_t>(replicas, zones.size());
  std::uint32_t violated = 0;
  for (std::size_t first = 0; first < owners.size(); first += replicas) {
    std::set<std::string_view> had;
    for (const NodeId owner : owners.subspan(first, replicas)) had.insert(zone_of.at(owner));
    if (had.size() < wanted) ++violated;
  }
  return violated;
}

/// Fills a report part by part.
class Reporter {
 public:
  Reporter(const Epoch& base, const Plan& plan, const PlanFacts& facts)
      : base_(base),
        plan_(plan),
        facts_(facts),
        owners_(owners_when_ended(base)),
        members_(target_members(base, {})),
        lost_(removed_nodes(plan.staged)) {
    std::ranges::copy(already_removed(base), std::back_inserter(lost_));
    lost_.insert(lost_.end(), facts.unreachable.begin(), facts.unreachable.end());
  }

  PlanReport report() {
    list_nodes();
    for (const Handover& handover : plan_.handovers) count_handover(handover.partition);
    for (const Change& change : base_.changes()) count_room(change);
    settle_nodes();
    for (const auto& [between, pair] : pairs_) {
      out_.pairs.push_back(pair);
      out_.bytes += pair.bytes;
    }
    for (const auto& [id, node] : nodes_) out_.nodes.push_back(node);
    out_.changing = static_cast<std::uint32_t>(plan_.handovers.size());
    out_.zones_violated_before = zones_violated(members_, owners_, base_.replicas());
    out_.zones_violated_after = zones_violated(plan_.members, plan_.owners, base_.replicas());
    out_.steps = quorum_steps(plan_, lost_);
    estimate_time();
    list_problems();
    return std::move(out_);
  }

 private:
  void list_nodes() {
    double weight_before = 0;
    double weight_after = 0;
    for (const Member& member : members_) weight_before += member.weight;
    for (const Member& member : plan_.members) weight_after += member.weight;
    for (const Member& member : members_) {
      NodeReport& node = nodes_[member.id];
      node.zone = member.zone;
      node.fair_before = member.weight / weight_before;
    }
    for (const Member& member : plan_.members) {
      NodeReport& node = nodes_[member.id];
      node.zone = member.zone;
      node.fair_after = member.weight / weight_after;
    }
    for (const NodeId owner : owners_) ++nodes_.at(owner).partitions_before;
    for (const NodeId owner : plan_.owners) ++nodes_.at(owner).partitions_after;
  }

  void count_handover(PartitionId partition) {
    const auto configuration = plan_.next.at(partition);
    const auto arriving = transition::gained(configuration);
    if (arriving.empty()) ++out_.reordered;
    for (const NodeId owner : configuration.old_owners) {
      if (!has(configuration.new_owners, owner)) ++nodes_.at(owner).lost;
    }
    for (const NodeId owner : arriving) {
      NodeReport& node = nodes_.at(owner);
      ++node.gained;
      node.bytes_needed += bytes_of(partition);
      count_sources(configuration, owner, partition);
    }
  }

  /// What others still bring a node takes the same disk.
  void count_room(const Change& change) {
    if (change.stage != Stage::open) return;
    for (const Handover& handover : change.handovers) {
      for (const NodeId owner : transition::gained(base_.at(handover.partition))) {
        const auto node = nodes_.find(owner);
        if (node != nodes_.end() && node->second.gained > 0)
          node->second.bytes_needed += bytes_of(handover.partition);
      }
    }
  }

  /// The replica that is displaced, or where that is lost as many others as stand for it.
  void count_sources(const transition::Configuration& configuration, NodeId new_owner,
                     PartitionId partition) {
    const auto smallest = transition::smallest_quorums(base_);
    const auto displaced = *transition::displaced_by(configuration, new_owner);
    std::vector<NodeId> sources;
    if (!has(lost_, displaced)) sources.push_back(displaced);
    for (const NodeId owner : configuration.old_owners) {
      if (transition::is_covered(configuration, new_owner, sources, {}, smallest)) break;
      if (!has(lost_, owner)) sources.push_back(owner);
    }
    if (!transition::is_covered(configuration, new_owner, sources, {}, smallest))
      ++out_.without_source;
    for (const NodeId source : sources) {
      PairReport& pair = pairs_[{source, new_owner}];
      pair.source = source;
      pair.new_owner = new_owner;
      ++pair.partitions;
      pair.bytes += bytes_of(partition);
      bytes_into_[new_owner] += bytes_of(partition);
    }
  }

  void settle_nodes() {
    const auto copies = static_cast<double>(plan_.owners.size());
    for (auto& [id, node] : nodes_) {
      node.node = id;
      node.share_before = node.partitions_before / copies;
      node.share_after = node.partitions_after / copies;
      if (node.fair_before > 0) {
        out_.skew_before = std::max(out_.skew_before, node.share_before / node.fair_before);
      }
      if (node.fair_after > 0) {
        out_.skew_after = std::max(out_.skew_after, node.share_after / node.fair_after);
      }
      const auto room = facts_.free_bytes.find(id);
      if (room != facts_.free_bytes.end()) node.bytes_free = room->second;
    }
  }

  void estimate_time() {
    if (facts_.partition_bytes.empty() || facts_.bytes_a_second == 0) return;
    std::uint64_t most = 0;
    for (const auto& [node, bytes] : bytes_into_) most = std::max(most, bytes);
    out_.seconds = static_cast<double>(most) / static_cast<double>(facts_.bytes_a_second);
  }

  void list_problems() {
    for (const NodeReport& node : out_.nodes) {
      if (node.has_room()) continue;
      out_.problems.push_back("node " + to_hex(node.node) + " needs " +
                              std::to_string(node.bytes_needed) + " bytes of disk and has " +
                              std::to_string(*node.bytes_free));
    }
    for (const StepQuorums& step : out_.steps) {
      if (step.holds()) continue;
      out_.problems.push_back("at step \"" + std::string(name(step.step)) + "\" " +
                              std::to_string(step.without_writes) +
                              " partitions have no quorum of writers, " +
                              std::to_string(step.without_reads) + " none of readers, and in " +
                              std::to_string(step.not_met) + " reads can miss writes");
    }
    if (out_.without_source != 0) {
      out_.problems.push_back(std::to_string(out_.without_source) +
                              " new copies have too few live owners to be filled from: writes "
                              "that only the dead acknowledged would be lost");
    }
  }

  [[nodiscard]] std::uint64_t bytes_of(PartitionId partition) const {
    return partition.value < facts_.partition_bytes.size() ? facts_.partition_bytes[partition.value]
                                                           : 0;
  }

  const Epoch& base_;
  const Plan& plan_;
  const PlanFacts& facts_;
  std::vector<NodeId> owners_;   // before: once the changes under way have ended
  std::vector<Member> members_;  // likewise
  std::vector<NodeId> lost_;
  std::map<NodeId, NodeReport> nodes_;
  std::map<std::pair<NodeId, NodeId>, PairReport> pairs_;
  std::map<NodeId, std::uint64_t> bytes_into_;  // of streams, to each node
  PlanReport out_;
};

}  // namespace

bool PlanReport::has_quorums() const {
  return std::ranges::all_of(steps, &StepQuorums::holds);
}

PlanReport report_of(const Epoch& base, const Plan& plan, const PlanFacts& facts) {
  return Reporter(base, plan, facts).report();
}

}  // namespace coterie::plan
