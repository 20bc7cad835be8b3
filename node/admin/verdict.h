#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "node/admin/availability.h"
#include "ring/epoch.h"

namespace coterie::admin {

/// How a node sees a member.
enum class Sight : std::uint8_t { alive, suspect, dead, left, unheard };
[[nodiscard]] const char* name(Sight sight);

struct MemberFacts {
  NodeId node;
  std::string zone;
  Sight sight = Sight::unheard;
  EpochNumber epoch;        // as gossip says; zero if unknown
  bool is_removed = false;  // a change under way takes it for dead
};

/// What one of this node's own shards reports.
struct ShardFacts {
  std::uint32_t shard = 0;
  enum class Store : std::uint8_t { healthy, read_only, stopped } store = Store::healthy;
  std::string reason;
  bool is_behind = false;
  std::size_t unsure_copies = 0;
  std::size_t copies_in_doubt = 0;  // after a loss of power
  std::size_t damaged_records = 0;  // that wait to be refilled
  std::uint64_t unreadable = 0;     // ranges of keys, that a scrub met
  std::string scrub_trouble;
};

/// This node's clock beside the others'; in milliseconds, since that is what people read.
struct ClockFacts {
  std::int64_t ahead_ms = 0;  // of the median; negative: behind
  bool is_clamped = false;
  std::int64_t disputed_by_ms = 0;  // 0: a majority agrees
};

struct Facts {
  NodeId self;
  /// Null while the cluster forms.
  std::shared_ptr<const Epoch> epoch;
  std::vector<std::string> blockers;
  /// Of the epoch's members only.
  std::vector<MemberFacts> members;
  std::vector<ShardFacts> shards;
  std::size_t shards_expected = 0;
  ClockFacts clock;
};

/// How bad it is, best first.
enum class Level : std::uint8_t { ok, degraded, forming, critical };
[[nodiscard]] const char* name(Level level);

/// One thing that is wrong: what, and what to do.
struct Problem {
  Level level = Level::degraded;
  /// Stable, for programs.
  std::string code;
  std::string text;
  /// Whose own trouble it is; zero: the cluster's, which every node sees.
  NodeId node;
};

struct Verdict {
  Level level = Level::ok;
  /// One line: what is wrong first, or that all is well.
  std::string text;
  /// The worst first.
  std::vector<Problem> problems;
  Availability availability;  // empty while the cluster forms
};

/// Pure: the same facts give the same verdict.
[[nodiscard]] Verdict judge(const Facts& facts);

}  // namespace coterie::admin
