#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace coterie {

/// The sizes of an assignment problem. Nodes are numbered zone by zone: those of zone z are
/// zone_begin[z] .. zone_begin[z + 1] - 1.
struct FlowShape {
  std::uint32_t partitions = 0;
  std::uint32_t replicas = 0;
  std::uint32_t zone_most = 0;  ///< owners of one partition in one zone, at most
  std::vector<std::uint32_t> zone_begin;

  [[nodiscard]] std::uint32_t zones() const {
    return static_cast<std::uint32_t>(zone_begin.size() - 1);
  }
  [[nodiscard]] std::uint32_t nodes() const { return zone_begin.back(); }
};

/// Partitions and their owners as a flow of minimum cost: partition -> slot (partition, zone) ->
/// node -> sink, each unit one virtual node. An arc to an owner that was had before costs 0, one to
/// a new owner 1, so that the cost is the number of moves.
///
/// The primal-dual method (Ahuja, Magnanti, Orlin 1993, "Network Flows", section 9.8): shortest
/// distances in the residual graph by Dial's buckets, then Dinic's blocking flows over its shortest
/// paths. The graph is implicit; memory is nodes x partitions bytes. The same calls give the same
/// assignment everywhere.
class AssignmentFlow {
 public:
  /// `keep`: owners may be marked as had, and others cost 1; without it every arc is free.
  AssignmentFlow(FlowShape shape, bool keep);

  void mark_had(std::uint32_t partition, std::uint32_t node);
  [[nodiscard]] bool had(std::uint32_t partition, std::uint32_t node) const {
    return (cell(partition, node) & had_bit) != 0;
  }
  [[nodiscard]] bool owns(std::uint32_t partition, std::uint32_t node) const {
    return (cell(partition, node) & owner_bit) != 0;
  }
  [[nodiscard]] std::uint32_t load(std::uint32_t node) const { return loads_[node]; }
  /// Owners that the partition still lacks.
  [[nodiscard]] std::uint32_t vacancies(std::uint32_t partition) const {
    return vacancies_[partition];
  }
  /// Whether the partition has a vacancy that the node may fill, whatever the node's load.
  [[nodiscard]] bool may_give(std::uint32_t partition, std::uint32_t node) const;

  /// Sets up the flow that fill() starts from. Only free arcs (had, or all without `keep`) may be
  /// given, or what fill() finds is not of minimum cost.
  void give(std::uint32_t partition, std::uint32_t node);
  void take(std::uint32_t partition, std::uint32_t node);
  /// Gives for good, whatever the zone: fill() never exchanges an owner of the partition. All its
  /// owners are fixed, or none.
  void fix(std::uint32_t partition, std::uint32_t node);
  [[nodiscard]] bool is_fixed(std::uint32_t partition) const { return fixed_[partition] != 0; }

  /// Adds owners, exchanging others where that helps, until nothing more fits under each node's
  /// `capacity`, at the least cost of all such flows in which no node's load falls. Capacities may
  /// be raised from one call to the next. Returns the vacancies left.
  std::uint64_t fill(std::span<const std::uint32_t> capacity);

 private:
  using Vertex = std::uint32_t;  // partitions, then slots, then nodes
  struct Arc {
    Vertex to = 0;
    std::int32_t cost = 0;
    bool open = false;  // in the residual graph
  };
  static constexpr std::uint8_t owner_bit = 1;
  static constexpr std::uint8_t had_bit = 2;

  [[nodiscard]] std::uint8_t cell(std::uint32_t partition, std::uint32_t node) const {
    return cells_[std::size_t{partition} * shape_.nodes() + node];
  }
  [[nodiscard]] std::int32_t cost(std::uint32_t partition, std::uint32_t node) const {
    return had(partition, node) ? 0 : new_cost_;
  }
  [[nodiscard]] std::uint32_t slot_of(std::uint32_t partition, std::uint32_t node) const {
    return partition * shape_.zones() + zone_of_[node];
  }
  [[nodiscard]] bool has_room(Vertex vertex) const;
  [[nodiscard]] std::uint32_t degree(Vertex vertex) const;
  [[nodiscard]] Arc arc(Vertex vertex, std::uint32_t index) const;
  [[nodiscard]] Arc node_arc(std::uint32_t node, std::uint8_t cell) const {
    return {.to = first_node_ + node,
            .cost = (cell & had_bit) != 0 ? 0 : new_cost_,
            .open = (cell & owner_bit) == 0};
  }
  [[nodiscard]] Arc slot_arc(std::uint32_t slot, std::uint32_t index) const;
  /// All arcs of a vertex, in their order: what takes most of the time.
  template <class Visit>
  void visit_arcs(Vertex vertex, const Visit& visit) const;
  [[nodiscard]] bool tight(Vertex vertex, const Arc& arc) const {
    return arc.open && arc.cost + potentials_[vertex] == potentials_[arc.to];
  }
  void list_owned();
  void measure_distances();
  bool raise_potentials();
  bool find_levels();
  bool push(Vertex vertex);
  void shift(Vertex from, Vertex to);

  FlowShape shape_;
  std::int32_t new_cost_;
  Vertex first_slot_;
  Vertex first_node_;
  std::vector<std::uint8_t> cells_;                // partition x node: bits
  std::vector<std::uint8_t> slot_owners_;          // partition x zone: owners there
  std::vector<std::uint32_t> vacancies_;           // of each partition
  std::vector<std::uint8_t> fixed_;                // of each partition
  std::vector<std::uint32_t> loads_;               // of each node
  std::vector<std::uint32_t> zone_of_;             // of each node
  std::vector<std::uint32_t> capacity_;            // of each node, while fill() runs
  std::vector<std::vector<std::uint32_t>> owned_;  // of each node, as list_owned() saw it
  std::vector<std::int32_t> potentials_;  // of each vertex: no open arc's reduced cost is below 0
  std::vector<std::int32_t> distances_;   // of each vertex, reduced
  std::vector<std::int32_t> levels_;      // of each vertex in the graph of tight arcs
  std::vector<std::uint32_t> next_arc_;   // of each vertex: those before lead nowhere
  std::int32_t sink_distance_ = 0;
};

}  // namespace coterie
