#include "ring/placement.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <set>
#include <tuple>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/random.h"
#include "ring/assignment_flow.h"
#include "ring/owner_order.h"
#include "ring/shuffle.h"

namespace coterie {
namespace {

/// What mixes replica sets: a function of the input, as the whole placement is, but another one at
/// each change, or it would be the same partitions that change hands each time.
std::uint64_t mixing_seed(const std::vector<PlacementNode>& nodes,
                          const std::vector<std::uint16_t>& previous) {
  Bytes bytes;
  ByteWriter writer(bytes);
  for (const PlacementNode& node : nodes) {
    writer.u64(node.id.high);
    writer.u64(node.id.low);
  }
  for (const std::uint16_t node : previous) writer.u16(node);
  return hash64(bytes);
}

std::unexpected<Error> refuse_input(std::string why) {
  return fail(ErrorCode::invalid_argument, "placement: " + std::move(why));
}

Result<void> check_input(const PlacementInput& input) {
  if (!std::has_single_bit(input.partitions) || input.partitions < limits::partitions_least ||
      input.partitions > limits::partitions_most) {
    return refuse_input("partitions must be a power of two from " +
                        std::to_string(limits::partitions_least) + " to " +
                        std::to_string(limits::partitions_most));
  }
  if (input.replicas == 0 || input.replicas > limits::replicas_most) {
    return refuse_input("replicas must be from 1 to " + std::to_string(limits::replicas_most));
  }
  if (input.nodes.size() < input.replicas || input.nodes.size() > limits::nodes) {
    return refuse_input(
        std::to_string(input.nodes.size()) + " nodes cannot hold " +
        std::to_string(input.replicas) + " replicas of each partition; there must be " +
        "at least as many nodes as replicas, and at most " + std::to_string(limits::nodes));
  }
  std::set<NodeId> ids;
  std::set<std::string_view> zones;
  for (const PlacementNode& node : input.nodes) {
    if (!ids.insert(node.id).second) return refuse_input("node " + to_hex(node.id) + " twice");
    if (node.weight == 0 || node.weight > limits::weight_most) {
      return refuse_input("node " + to_hex(node.id) + ": weight must be from 1 to " +
                          std::to_string(limits::weight_most));
    }
    zones.insert(node.zone);
  }
  if (zones.size() > limits::zones) {
    return refuse_input("more than " + std::to_string(limits::zones) + " zones");
  }
  if (!input.previous_owners.empty() &&
      input.previous_owners.size() != std::size_t{input.partitions} * input.replicas) {
    return refuse_input("previous owners of another number of partitions or replicas");
  }
  for (const std::uint32_t partition : input.fixed) {
    for (std::uint32_t i = 0; i < input.replicas; ++i) {
      const std::size_t place = std::size_t{partition} * input.replicas + i;
      if (place < input.previous_owners.size() && ids.contains(input.previous_owners[place]))
        continue;
      return refuse_input("a partition is fixed whose owners are not there");
    }
  }
  return {};
}

/// The input with nodes as numbers, zone by zone and by id within a zone.
class Planner {
 public:
  explicit Planner(const PlacementInput& input)
      : partitions_(input.partitions),
        replicas_(input.replicas),
        nodes_(sorted(input.nodes)),
        previous_(numbered(input.previous_owners)),
        fixed_(input.fixed),
        shares_(shares_beside(nodes_, partitions_, replicas_, fixed_loads())),
        flow_(shape(), !previous_.empty()),
        random_(mixing_seed(nodes_, previous_)) {}

  Placement plan() {
    std::vector<std::uint32_t> least;
    std::vector<std::uint32_t> most;
    for (const LoadBounds& bounds : shares_.loads) {
      least.push_back(bounds.least);
      most.push_back(bounds.most);
    }
    if (previous_.empty()) {
      draw_owners();
    } else {
      fix_owners();
      keep_owners();
    }
    // First everyone's floor, then the rest: fill() lowers nobody, and where it ends the cost is
    // the least of all assignments within floors and ceilings.
    flow_.fill(least);
    const std::uint64_t left = flow_.fill(most);
    check(left == 0, "loads within the shares can always be placed");
    return result();
  }

 private:
  static std::vector<PlacementNode> sorted(std::vector<PlacementNode> nodes) {
    std::ranges::sort(nodes, {}, [](const PlacementNode& node) {
      return std::tuple<std::string_view, NodeId>(node.zone, node.id);
    });
    return nodes;
  }

  [[nodiscard]] std::vector<std::uint16_t> numbered(const std::vector<NodeId>& owners) const {
    std::vector<std::pair<NodeId, std::uint16_t>> numbers;
    numbers.reserve(nodes_.size());
    for (const PlacementNode& node : nodes_) {
      numbers.emplace_back(node.id, static_cast<std::uint16_t>(numbers.size()));
    }
    std::ranges::sort(numbers);
    std::vector<std::uint16_t> result;
    result.reserve(owners.size());
    for (const NodeId id : owners) {
      const auto found =
          std::ranges::lower_bound(numbers, id, {}, &decltype(numbers)::value_type::first);
      result.push_back(found != numbers.end() && found->first == id ? found->second : no_node);
    }
    return result;
  }

  [[nodiscard]] FlowShape shape() const {
    FlowShape shape{.partitions = partitions_,
                    .replicas = replicas_,
                    .zone_most = shares_.zone_most,
                    .zone_begin = {}};
    for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
      if (node == 0 || nodes_[node].zone != nodes_[node - 1].zone) {
        shape.zone_begin.push_back(node);
      }
    }
    shape.zone_begin.push_back(static_cast<std::uint32_t>(nodes_.size()));
    return shape;
  }

  /// Without previous owners every assignment costs the same: each partition draws its owners by
  /// what nodes still need, which mixes replica sets; fill() mends the ends.
  void draw_owners() {
    for (std::uint32_t partition = 0; partition < partitions_; ++partition) {
      for (std::uint32_t i = 0; i < replicas_; ++i) {
        const auto node = draw_owner(partition);
        if (node) flow_.give(partition, *node);
      }
    }
  }

  std::optional<std::uint32_t> draw_owner(std::uint32_t partition) {
    std::uint64_t needed = 0;
    std::vector<std::uint64_t> needed_through(nodes_.size());
    for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
      if (flow_.may_give(partition, node)) needed += shares_.loads[node].least - flow_.load(node);
      needed_through[node] = needed;
    }
    if (needed == 0) return std::nullopt;
    const std::uint64_t drawn = random_.below(needed);
    const auto found = std::ranges::upper_bound(needed_through, drawn);
    return static_cast<std::uint32_t>(found - needed_through.begin());
  }

  [[nodiscard]] std::vector<std::uint32_t> fixed_loads() const {
    std::vector<std::uint32_t> out(nodes_.size());
    for (const std::uint32_t partition : fixed_) {
      for (const std::uint16_t node : before(partition)) ++out[node];
    }
    return out;
  }

  void fix_owners() {
    for (const std::uint32_t partition : fixed_) {
      for (const std::uint16_t node : before(partition)) {
        flow_.mark_had(partition, node);
        flow_.fix(partition, node);
      }
    }
  }

  [[nodiscard]] std::span<const std::uint16_t> before(std::uint32_t partition) const {
    return std::span(previous_).subspan(std::size_t{partition} * replicas_, replicas_);
  }

  /// Keeps what previous owners may keep: first as zones allow, then nodes above their floor give
  /// up partitions, drawn at random, and if possible not two of one partition: those are what new
  /// owners are needed for. Which ones they are does not change the cost.
  void keep_owners() {
    for (std::size_t i = 0; i < previous_.size(); ++i) {
      if (previous_[i] == no_node) continue;
      const auto partition = static_cast<std::uint32_t>(i / replicas_);
      if (flow_.is_fixed(partition)) continue;
      flow_.mark_had(partition, previous_[i]);
      if (flow_.may_give(partition, previous_[i])) flow_.give(partition, previous_[i]);
    }
    const std::vector<std::uint32_t> order = shuffled(partitions_, random_);
    for (const std::uint32_t partition : order) {
      if (flow_.vacancies(partition) == 0) take_surplus(partition, 1);
    }
    for (const std::uint32_t partition : order) take_surplus(partition, replicas_);
  }

  /// Takes the partition from at most `most` nodes over their floor, those furthest above it first.
  void take_surplus(std::uint32_t partition, std::uint32_t most) {
    if (flow_.is_fixed(partition)) return;
    const auto surplus = [&](std::uint16_t node) -> std::uint32_t {
      if (node == no_node || !flow_.owns(partition, node)) return 0;
      const std::uint32_t load = flow_.load(node);
      return load - std::min(load, shares_.loads[node].least);
    };
    for (std::uint32_t i = 0; i < most; ++i) {
      const std::uint16_t node = std::ranges::max(before(partition), {}, surplus);
      if (surplus(node) == 0) return;
      flow_.take(partition, node);
    }
  }

  Placement result() {
    OwnerTable table{
        .nodes = static_cast<std::uint32_t>(nodes_.size()), .replicas = replicas_, .owners = {}};
    Placement placement{.owners = {}, .moves = 0, .zone_most = shares_.zone_most};
    for (std::uint32_t partition = 0; partition < partitions_; ++partition) {
      for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
        if (!flow_.owns(partition, node)) continue;
        table.owners.push_back(static_cast<std::uint16_t>(node));
        if (!flow_.had(partition, node)) ++placement.moves;
      }
    }
    check(table.owners.size() == std::size_t{partitions_} * replicas_,
          "each partition has its owners");
    spread_positions(table, previous_, fixed_, random_);
    placement.owners.reserve(table.owners.size());
    for (const std::uint16_t node : table.owners) placement.owners.push_back(nodes_[node].id);
    return placement;
  }

  std::uint32_t partitions_;
  std::uint32_t replicas_;
  std::vector<PlacementNode> nodes_;
  std::vector<std::uint16_t> previous_;  // as numbers
  std::vector<std::uint32_t> fixed_;
  Shares shares_;
  AssignmentFlow flow_;
  Random random_;
};

}  // namespace

Result<Placement> place(const PlacementInput& input) {
  if (auto fine = check_input(input); !fine) return std::unexpected(std::move(fine.error()));
  return Planner(input).plan();
}

}  // namespace coterie
