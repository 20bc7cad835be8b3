#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ring/transition/configuration.h"
#include "ring/transition/joint_quorum.h"
#include "ring/transition/sources.h"
#include "ring/transition/step.h"

namespace coterie::explore::stages {

inline constexpr std::size_t nodes_most = 5;
/// Numbers of configurations: stable, then three entries.
inline constexpr std::uint8_t versions = 4;

[[nodiscard]] constexpr NodeId id_of(std::size_t node) {
  return {.high = 1, .low = node};
}

struct Scope {
  std::vector<NodeId> from;  // owners; ids are those of id_of
  std::vector<NodeId> to;
  std::uint32_t r = 2;  // of the bucket that is written and read
  std::uint32_t w = 2;
  transition::SmallestQuorums smallest{.r = 2, .w = 2};  // of all buckets
  bool has_abort = true;
  /// A fence is in memory first, and a crash forgets what was not synced.
  bool has_crashes = false;
};

enum class Act : std::uint8_t {
  propose,
  hear,
  sync,
  crash,
  take,
  give,
  erase,
  begin_write,
  write,
};

struct Action {
  Act act = Act::propose;
  std::uint8_t node = 0;   // begin_write: under which configuration
  std::uint8_t other = 0;  // take, give: the source; propose: the step
};

[[nodiscard]] std::string describe(const Action& action);

/// One partition, its owners before and after a change, one key and one write of it. Who
/// coordinates, reads or proposes may be as far behind as can be: a request may be sent under any
/// configuration that was ever decided. Messages arrive in any order, late, or never. More writes
/// than one would show no more: copies merge, so what becomes of one write does not depend on
/// others. Copyable.
class World {
 public:
  /// `scope` outlives it.
  explicit World(const Scope& scope) : scope_(&scope) {}

  [[nodiscard]] std::vector<Action> actions() const;
  void perform(const Action& action);
  [[nodiscard]] Bytes fingerprint() const;
  /// Whatever quorum of readers can be had, under any configuration whose requests it takes, shows
  /// the write once it is acknowledged; what all that a write needs have, is acknowledged; and no
  /// owner that a write may be sent to has deleted its copy.
  [[nodiscard]] std::string violation() const;

 private:
  struct Node {
    std::uint8_t fenced = 0;  // durably
    std::uint8_t heard = 0;   // in memory; not below `fenced`
    bool has_write = false;
    bool is_erased = false;
    auto operator<=>(const Node&) const = default;
  };
  /// Of one source to one new owner.
  struct Stream {
    bool is_empty_taken = false;  // a copy without the write is on its way
    bool is_write_taken = false;  // one with it
    bool is_given = false;        // one of them has arrived
    auto operator<=>(const Stream&) const = default;
  };

  [[nodiscard]] transition::Configuration configuration(std::uint8_t version) const;
  [[nodiscard]] std::uint8_t newest() const {
    return static_cast<std::uint8_t>(stages_.size() - 1);
  }
  [[nodiscard]] Stage stage() const { return stages_.back(); }
  [[nodiscard]] transition::Evidence evidence() const;
  [[nodiscard]] bool may(transition::Step step) const;
  [[nodiscard]] bool is_owner(std::size_t node) const;
  void add_steps(std::vector<Action>& out) const;
  void add_nodes(std::vector<Action>& out) const;
  void add_streams(std::vector<Action>& out) const;
  void add_write(std::vector<Action>& out) const;
  void propose(transition::Step step);
  void write_to(std::size_t node);
  [[nodiscard]] std::string read_violation(const transition::Configuration& configuration) const;

  const Scope* scope_;
  std::vector<Stage> stages_{Stage::stable};  // of each version decided so far
  bool is_aborted_ = false;                   // of a change that is over
  std::array<Node, nodes_most> nodes_{};
  std::array<std::array<Stream, nodes_most>, nodes_most> streams_{};  // by source, new owner
  std::uint8_t write_version_ = versions;                             // not begun
  std::uint8_t holders_ = 0;  // who took the write from its coordinator, a bit a node
  bool is_acknowledged_ = false;
  bool was_covered_ = false;  // the next stage could be inferred by who sees the streams alone
};

}  // namespace coterie::explore::stages
