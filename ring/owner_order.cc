#include "ring/owner_order.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "ring/shuffle.h"

namespace coterie {
namespace {

/// Chooses for one position: of each partition one of the owners not yet in an earlier position. A
/// bipartite matching by augmenting paths; each node's floor is reached before any goes above it,
/// and an augmenting path lowers nobody's count, so that floors and ceilings both hold. That they
/// can: a partition that gives 1 / (candidates) to each candidate keeps both, and flows are whole.
class PositionChoice {
 public:
  PositionChoice(OwnerTable& table, std::uint32_t position, Random& random)
      : table_(table),
        position_(position),
        candidates_(table.replicas - position),
        order_(shuffled(table.partitions(), random)),
        chosen_(table.partitions(), no_node),
        chosen_by_(table.nodes),
        loads_(table.nodes),
        room_(table.nodes) {
    for (std::uint32_t p = 0; p < table.partitions(); ++p) {
      for (const std::uint16_t node : candidates(p)) ++loads_[node];
    }
  }

  void choose(const std::vector<std::uint16_t>& previous, std::span<const std::uint32_t> fixed) {
    for (std::uint32_t node = 0; node < table_.nodes; ++node) {
      room_[node] = loads_[node] / candidates_;
    }
    for (const std::uint32_t p : fixed) fix(p, previous);
    assign(previous);
    for (std::uint32_t node = 0; node < table_.nodes; ++node) {
      room_[node] += loads_[node] % candidates_ == 0 ? 0U : 1U;
    }
    assign(previous);
    while (!fixed.empty() && std::ranges::count(chosen_, no_node) != 0) {
      for (auto& room : room_) ++room;
      assign(previous);
    }
    for (std::uint32_t p = 0; p < table_.partitions(); ++p) {
      check(chosen_[p] != no_node, "each position of each partition finds its owner");
      auto open = candidates(p);
      std::iter_swap(open.begin(), std::ranges::find(open, chosen_[p]));
    }
  }

 private:
  [[nodiscard]] std::span<std::uint16_t> candidates(std::uint32_t partition) const {
    const std::size_t begin = std::size_t{partition} * table_.replicas;
    return std::span(table_.owners).subspan(begin + position_, candidates_);
  }

  void assign(const std::vector<std::uint16_t>& previous) {
    for (std::uint32_t p = 0; p < table_.partitions() && !previous.empty(); ++p) {
      const std::uint16_t before = previous[std::size_t{p} * table_.replicas + position_];
      if (chosen_[p] == no_node && before != no_node && room_[before] > 0 &&
          std::ranges::count(candidates(p), before) != 0) {
        put(p, before);
      }
    }
    for (const std::uint32_t p : order_) {
      if (chosen_[p] != no_node) continue;
      const auto roomiest =
          std::ranges::max(candidates(p), {}, [this](std::uint16_t node) { return room_[node]; });
      if (room_[roomiest] > 0) put(p, roomiest);
    }
    for (const std::uint32_t p : order_) {
      if (chosen_[p] == no_node && room_left()) augment(p);
    }
  }

  [[nodiscard]] bool room_left() const {
    return std::ranges::any_of(room_, [](std::uint32_t room) { return room > 0; });
  }

  /// Not among those that augment() may exchange.
  void fix(std::uint32_t partition, const std::vector<std::uint16_t>& previous) {
    const auto node = previous[std::size_t{partition} * table_.replicas + position_];
    chosen_[partition] = node;
    if (room_[node] > 0) --room_[node];
  }

  void put(std::uint32_t partition, std::uint16_t node) {
    chosen_[partition] = node;
    chosen_by_[node].push_back(partition);
    --room_[node];
  }

  /// Breadth first: `partition` takes a candidate, whose other partition takes another one, and so
  /// on to a node with room.
  void augment(std::uint32_t partition) {
    std::vector<std::optional<std::uint32_t>> reached_through(table_.nodes);
    std::vector<std::uint16_t> queue;
    const auto reach = [&](std::uint32_t through) {
      for (const std::uint16_t node : candidates(through)) {
        if (reached_through[node]) continue;
        reached_through[node] = through;
        queue.push_back(node);
        if (room_[node] > 0) return true;
      }
      return false;
    };
    bool found = reach(partition);
    for (std::size_t i = 0; i < queue.size() && !found; ++i) {
      for (const std::uint32_t through : chosen_by_[queue[i]]) {
        found = reach(through);
        if (found) break;
      }
    }
    if (!found) return;
    // Back along the path: each node takes over the partition through which it was reached.
    std::uint16_t node = queue.back();
    --room_[node];
    for (;;) {
      const std::uint32_t through = *reached_through[node];
      const std::uint16_t before = std::exchange(chosen_[through], node);
      chosen_by_[node].push_back(through);
      if (before == no_node) return;
      std::erase(chosen_by_[before], through);
      node = before;
    }
  }

  OwnerTable& table_;
  std::uint32_t position_;
  std::uint32_t candidates_;           // of each partition
  std::vector<std::uint32_t> order_;   // of the partitions: or positions would run in step
  std::vector<std::uint16_t> chosen_;  // of each partition
  std::vector<std::vector<std::uint32_t>> chosen_by_;  // of each node: partitions
  std::vector<std::uint32_t> loads_;  // of each node: partitions that it is a candidate of
  std::vector<std::uint32_t> room_;   // of each node: partitions that it may still be chosen for
};

}  // namespace

void spread_positions(OwnerTable& table, const std::vector<std::uint16_t>& previous,
                      std::span<const std::uint32_t> fixed, Random& random) {
  for (std::uint32_t position = 0; position + 1 < table.replicas; ++position) {
    PositionChoice(table, position, random).choose(previous, fixed);
  }
}

}  // namespace coterie
