#pragma once

#include <cstdint>
#include <memory>

#include "base/ids.h"
#include "ring/epoch.h"
#include "ring/paxos/ballot.h"

namespace coterie::paxos {

/// Decided, or up for decision; null where there is none.
using Value = std::shared_ptr<const Epoch>;

/// Which entry of the log is to be decided: the one after an epoch that both sides know.
struct Slot {
  EpochNumber number;
  std::uint64_t base_hash = 0;  ///< Epoch::hash() of the entry before

  bool operator==(const Slot&) const = default;
};

/// The entry after `base`.
[[nodiscard]] inline Slot slot_after(const Epoch& base) {
  return {.number = {.lineage = base.number().lineage, .number = base.number().number + 1},
          .base_hash = base.hash()};
}

/// "Promise to accept nothing of a lower ballot, and tell what you have accepted."
struct Prepare {
  Slot slot;
  Ballot ballot;
};

/// "Accept this value, unless you have promised a higher ballot."
struct Accept {
  Slot slot;
  Ballot ballot;
  Value value;  ///< not null
};

/// The numbers are the protocol's.
enum class Verdict : std::uint8_t {
  granted = 1,  ///< promised, or accepted
  outbid = 2,   ///< as high a ballot has been promised; `promised` says which
  decided = 3,  ///< the slot has been; `epoch` is its value, or one of a later slot
  behind = 4,   ///< the acceptor lacks the epoch before the slot; it fetches it
};

/// An acceptor's answer to Prepare and Accept.
struct Vote {
  Verdict verdict = Verdict::granted;
  Ballot promised;  ///< the highest, this request counted
  Ballot accepted;  ///< granted to Prepare: of `epoch`; none if nothing was accepted
  Value epoch;      ///< granted to Prepare: what was accepted last; decided: see there; else null
};

}  // namespace coterie::paxos
