#include "ring/assignment_flow.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace coterie {
namespace {

constexpr std::int32_t unreached = std::numeric_limits<std::int32_t>::max();

}  // namespace

AssignmentFlow::AssignmentFlow(FlowShape shape, bool keep)
    : shape_(std::move(shape)),
      new_cost_(keep ? 1 : 0),
      first_slot_(shape_.partitions),
      first_node_(shape_.partitions + shape_.partitions * shape_.zones()),
      cells_(std::size_t{shape_.partitions} * shape_.nodes()),
      slot_owners_(std::size_t{shape_.partitions} * shape_.zones()),
      vacancies_(shape_.partitions, shape_.replicas),
      fixed_(shape_.partitions),
      loads_(shape_.nodes()),
      zone_of_(shape_.nodes()),
      owned_(shape_.nodes()),
      potentials_(std::size_t{first_node_} + shape_.nodes()) {
  for (std::uint32_t zone = 0; zone < shape_.zones(); ++zone) {
    std::fill(zone_of_.begin() + shape_.zone_begin[zone],
              zone_of_.begin() + shape_.zone_begin[zone + 1], zone);
  }
}

void AssignmentFlow::mark_had(std::uint32_t partition, std::uint32_t node) {
  check(new_cost_ == 1, "owners are marked as had where keeping them counts");
  cells_[std::size_t{partition} * shape_.nodes() + node] |= had_bit;
}

bool AssignmentFlow::may_give(std::uint32_t partition, std::uint32_t node) const {
  return vacancies_[partition] > 0 && !owns(partition, node) &&
         slot_owners_[slot_of(partition, node)] < shape_.zone_most;
}

void AssignmentFlow::give(std::uint32_t partition, std::uint32_t node) {
  check(may_give(partition, node) && cost(partition, node) == 0, "only free arcs are given");
  cells_[std::size_t{partition} * shape_.nodes() + node] |= owner_bit;
  ++slot_owners_[slot_of(partition, node)];
  ++loads_[node];
  --vacancies_[partition];
}

void AssignmentFlow::fix(std::uint32_t partition, std::uint32_t node) {
  check(vacancies_[partition] > 0 && !owns(partition, node), "each owner is fixed once");
  cells_[std::size_t{partition} * shape_.nodes() + node] |= owner_bit;
  ++slot_owners_[slot_of(partition, node)];
  ++loads_[node];
  --vacancies_[partition];
  fixed_[partition] = 1;
}

void AssignmentFlow::take(std::uint32_t partition, std::uint32_t node) {
  check(owns(partition, node) && !is_fixed(partition), "only from an owner can be taken");
  cells_[std::size_t{partition} * shape_.nodes() + node] &= static_cast<std::uint8_t>(~owner_bit);
  --slot_owners_[slot_of(partition, node)];
  --loads_[node];
  ++vacancies_[partition];
}

std::uint64_t AssignmentFlow::fill(std::span<const std::uint32_t> capacity) {
  check(capacity.size() == shape_.nodes(), "each node has a capacity");
  capacity_.assign(capacity.begin(), capacity.end());
  while (raise_potentials()) {
    while (find_levels()) {
      for (std::uint32_t partition = 0; partition < shape_.partitions; ++partition) {
        while (vacancies_[partition] > 0 && push(partition)) --vacancies_[partition];
      }
    }
  }
  return std::accumulate(vacancies_.begin(), vacancies_.end(), std::uint64_t{0});
}

bool AssignmentFlow::has_room(Vertex vertex) const {
  return vertex >= first_node_ && loads_[vertex - first_node_] < capacity_[vertex - first_node_];
}

std::uint32_t AssignmentFlow::degree(Vertex vertex) const {
  if (vertex < first_slot_) return shape_.zones();
  if (vertex >= first_node_) return static_cast<std::uint32_t>(owned_[vertex - first_node_].size());
  const std::uint32_t zone = (vertex - first_slot_) % shape_.zones();
  return shape_.zone_begin[zone + 1] - shape_.zone_begin[zone] + 1;
}

AssignmentFlow::Arc AssignmentFlow::arc(Vertex vertex, std::uint32_t index) const {
  if (vertex < first_slot_) {
    const std::uint32_t slot = vertex * shape_.zones() + index;
    return {.to = first_slot_ + slot, .open = slot_owners_[slot] < shape_.zone_most};
  }
  if (vertex < first_node_) return slot_arc(vertex - first_slot_, index);
  const std::uint32_t node = vertex - first_node_;
  const std::uint32_t partition = owned_[node][index];
  return {.to = first_slot_ + slot_of(partition, node),
          .cost = -cost(partition, node),
          .open = owns(partition, node)};
}

/// A slot's nodes, beginning with another one in each partition, so that the first nodes of a zone
/// do not end up with the first partitions; last the way back to the partition.
AssignmentFlow::Arc AssignmentFlow::slot_arc(std::uint32_t slot, std::uint32_t index) const {
  const std::uint32_t partition = slot / shape_.zones();
  const std::uint32_t zone = slot % shape_.zones();
  const std::uint32_t begin = shape_.zone_begin[zone];
  const std::uint32_t size = shape_.zone_begin[zone + 1] - begin;
  if (index == size) return {.to = partition, .open = slot_owners_[slot] > 0};
  std::uint32_t place = partition % size + index;
  if (place >= size) place -= size;
  return node_arc(begin + place, cell(partition, begin + place));
}

/// As arc(), but a slot's many are walked without working out for each where it is.
template <class Visit>
void AssignmentFlow::visit_arcs(Vertex vertex, const Visit& visit) const {
  if (vertex < first_slot_ || vertex >= first_node_) {
    const std::uint32_t arcs = degree(vertex);
    for (std::uint32_t index = 0; index < arcs; ++index) visit(arc(vertex, index));
    return;
  }
  const std::uint32_t slot = vertex - first_slot_;
  const std::uint32_t partition = slot / shape_.zones();
  const std::uint32_t zone = slot % shape_.zones();
  const std::uint32_t begin = shape_.zone_begin[zone];
  const std::uint32_t end = shape_.zone_begin[zone + 1];
  const std::uint32_t first = begin + partition % (end - begin);
  const std::uint8_t* const row = &cells_[std::size_t{partition} * shape_.nodes()];
  for (std::uint32_t node = first; node < end; ++node) visit(node_arc(node, row[node]));
  for (std::uint32_t node = begin; node < first; ++node) visit(node_arc(node, row[node]));
  visit(slot_arc(slot, end - begin));
}

/// The way back from a node to a fixed partition is not there.
void AssignmentFlow::list_owned() {
  for (auto& partitions : owned_) partitions.clear();
  for (std::uint32_t partition = 0; partition < shape_.partitions; ++partition) {
    if (is_fixed(partition)) continue;
    for (std::uint32_t node = 0; node < shape_.nodes(); ++node) {
      if (owns(partition, node)) owned_[node].push_back(partition);
    }
  }
}

/// Dijkstra's algorithm from all vacancies at once, over reduced costs (small whole numbers).
void AssignmentFlow::measure_distances() {
  distances_.assign(potentials_.size(), unreached);
  std::vector<std::vector<Vertex>> buckets;
  const auto reach = [&](Vertex vertex, std::int32_t distance) {
    if (distance >= distances_[vertex]) return;
    distances_[vertex] = distance;
    const auto bucket = static_cast<std::size_t>(distance);
    if (bucket >= buckets.size()) buckets.resize(bucket + 1);
    buckets[bucket].push_back(vertex);
  };
  for (Vertex partition = 0; partition < shape_.partitions; ++partition) {
    if (vacancies_[partition] > 0) reach(partition, -potentials_[partition]);
  }
  for (std::size_t distance = 0; distance < buckets.size(); ++distance) {
    for (std::size_t i = 0; i < buckets[distance].size(); ++i) {
      const Vertex vertex = buckets[distance][i];
      const auto here = static_cast<std::int32_t>(distance);
      if (distances_[vertex] != here) continue;
      visit_arcs(vertex, [&](const Arc& next) {
        if (!next.open) return;
        reach(next.to, here + next.cost + potentials_[vertex] - potentials_[next.to]);
      });
    }
  }
}

/// Makes potentials the distances from the vacancies, so that the arcs of shortest paths are tight;
/// false if no node with room can be reached.
bool AssignmentFlow::raise_potentials() {
  list_owned();
  measure_distances();
  std::int32_t farthest = 0;
  for (const std::int32_t distance : distances_) {
    if (distance != unreached) farthest = std::max(farthest, distance);
  }
  sink_distance_ = unreached;
  for (Vertex node = first_node_; node < potentials_.size(); ++node) {
    if (distances_[node] != unreached && has_room(node)) {
      sink_distance_ = std::min(sink_distance_, potentials_[node] + distances_[node]);
    }
  }
  if (sink_distance_ == unreached) return false;
  for (Vertex vertex = 0; vertex < potentials_.size(); ++vertex) {
    potentials_[vertex] += std::min(distances_[vertex], farthest);
  }
  return true;
}

/// Breadth first over tight arcs; false if no node with room lies on a shortest path any more.
bool AssignmentFlow::find_levels() {
  list_owned();
  levels_.assign(potentials_.size(), unreached);
  next_arc_.assign(potentials_.size(), 0);
  std::vector<Vertex> queue;
  for (Vertex partition = 0; partition < shape_.partitions; ++partition) {
    if (vacancies_[partition] == 0) continue;
    check(potentials_[partition] == 0, "a vacancy is where shortest paths begin");
    levels_[partition] = 0;
    queue.push_back(partition);
  }
  bool found = false;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Vertex vertex = queue[i];
    if (has_room(vertex) && potentials_[vertex] == sink_distance_) {
      found = true;
      continue;
    }
    visit_arcs(vertex, [&](const Arc& next) {
      if (!tight(vertex, next) || levels_[next.to] != unreached) return;
      levels_[next.to] = levels_[vertex] + 1;
      queue.push_back(next.to);
    });
  }
  return found;
}

/// Sends one unit from `vertex` to the sink along rising levels. A path meets each node at most
/// once, so that the recursion is at most three deep for each node.
bool AssignmentFlow::push(Vertex vertex) {
  if (has_room(vertex) && potentials_[vertex] == sink_distance_) {
    ++loads_[vertex - first_node_];
    return true;
  }
  const std::uint32_t arcs = degree(vertex);
  for (std::uint32_t& index = next_arc_[vertex]; index < arcs; ++index) {
    const Arc next = arc(vertex, index);
    if (tight(vertex, next) && levels_[next.to] == levels_[vertex] + 1 && push(next.to)) {
      shift(vertex, next.to);
      return true;
    }
  }
  return false;
}

void AssignmentFlow::shift(Vertex from, Vertex to) {
  if (from < first_slot_) {
    ++slot_owners_[to - first_slot_];
  } else if (to < first_slot_) {
    --slot_owners_[from - first_slot_];
  } else {
    const bool gained = to >= first_node_;
    const std::uint32_t partition = ((gained ? from : to) - first_slot_) / shape_.zones();
    const std::uint32_t node = (gained ? to : from) - first_node_;
    cells_[std::size_t{partition} * shape_.nodes() + node] ^= owner_bit;
  }
}

}  // namespace coterie
