#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"

/// How the next epoch is decided: messages of the gossip door; as messages.h says.
namespace coterie::wire {

/// Of an attempt to decide an epoch (ring/paxos/ballot.h); round 0 is none.
struct EpochBallot {
  std::uint64_t round = 0;
  NodeId proposer;

  bool operator==(const EpochBallot&) const = default;
};

/// To a voter of the epoch before `slot`: "promise to accept nothing of a lower ballot".
struct EpochPrepare {
  EpochNumber slot;
  std::uint64_t base_hash = 0;  // of the epoch before it
  EpochBallot ballot;           // not none
};

/// "Accept this as the epoch of `slot`, unless you have promised a higher ballot."
struct EpochAccept {
  EpochNumber slot;
  std::uint64_t base_hash = 0;
  EpochBallot ballot;
  BytesView epoch;  // not empty
};

enum class EpochVerdict : std::uint8_t { granted = 1, outbid = 2, decided = 3, behind = 4 };

/// A voter's answer to both; ring/paxos/messages.h says what it means.
struct EpochVote {
  EpochVerdict verdict = EpochVerdict::granted;
  EpochBallot promised;
  EpochBallot accepted;
  BytesView epoch;  // accepted before, or decided; else empty
};

}  // namespace coterie::wire
