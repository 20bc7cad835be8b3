#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/wire/messages_epochs.h"

/// What nodes remember of each other, so that one that was restored from an old copy is noticed:
/// messages of the gossip door; as messages.h says.
namespace coterie::wire {

/// Of one shard's log.
struct LogMark {
  std::uint64_t log_id = 0;  // 0: not known
  std::uint64_t synced = 0;  // LogPosition

  bool operator==(const LogMark&) const = default;
};

/// "This is what I hold durably; remember it." Nothing of it ever falls while the node keeps its
/// data directory.
struct LifeMark {
  NodeId node;                    // who says so; not zero
  std::uint64_t life = 0;         // how often it began anew under its id
  std::uint64_t incarnation = 0;  // with which its run began; each start raises it
  RunId run;
  EpochNumber vote_slot;  // of its last vote; 0: none, or it is not known
  EpochBallot promised;
  EpochBallot accepted;
  std::vector<LogMark> logs;  // by shard; none while they are not open
  /// It has lost all, and asks what it was.
  bool is_recovering = false;

  bool operator==(const LifeMark&) const = default;
};

struct LifeMarkReply {
  std::optional<LifeMark> known;  // the highest that was heard of the asker
  EpochNumber epoch;              // the newest that the node asked knows; 0 with none
  bool has_accepted = false;      // as a voter on the epoch after that
  bool may_vote = false;          // it has forgotten none of its votes
};

}  // namespace coterie::wire
