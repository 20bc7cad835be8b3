#pragma once

#include <cstddef>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "gossip/core.h"
#include "gossip/outbox.h"
#include "gossip/packet.h"

namespace coterie::gossip {

/// Judges what is said of members. A claim of a higher incarnation outranks one of a lower; at one
/// incarnation left outranks dead, dead suspect, and suspect alive (SWIM, section 4.2). What
/// changes the table is passed on as a rumour and reported as an event. Only a member itself raises
/// its incarnation, so claims against this node are answered with a higher one.
class Claims {
 public:
  explicit Claims(Core& core) : core_(core) {}

  void hear(Instant now, const AliveClaim& claim, Outbox& out);
  void hear(Instant now, const SuspectClaim& claim, Outbox& out);
  /// Believed of suspects only. Of a member of whom nothing bad was heard before, `messenger` is
  /// just one more who accuses it: he may be the one that has missed its refutation.
  void hear(Instant now, const DeadClaim& claim, const NodeId& messenger, Outbox& out);
  void hear(Instant now, const LeftClaim& claim, Outbox& out);
  /// An entry of `sender`'s table. Its dead are only suspects here: they get their chance to
  /// refute, which matters when two halves of a cluster meet again.
  void merge(Instant now, const TableEntry& entry, const NodeId& sender, Outbox& out);

  /// This node's own probe of `target` failed.
  void accuse(Instant now, const NodeId& target, Outbox& out);
  /// Gives up the suspects whose time is over.
  void give_up(Instant now, Outbox& out);
  /// When give_up() is next due; Instant::max() if nobody is suspect.
  [[nodiscard]] Instant next_deadline() const;
  /// This process was stalled for `stalled`: suspects get that time back, and enough to be asked.
  void forgive(Instant now, Duration stalled);
  /// Drops those that were dead or left for long.
  void forget(Instant now, Outbox& out);
  /// Passes on what this node says of itself.
  void announce_self();

  /// Members, this node among them, against whom something stale was heard since the last call: who
  /// said it should be told better.
  [[nodiscard]] std::vector<NodeId> take_stale();

 private:
  void hear_of_self(const AliveClaim& claim, Outbox& out);
  void add(Instant now, const AliveClaim& claim, Outbox& out);
  void add_departed(Instant now, const TableEntry& entry, Outbox& out);
  void begin_suspicion(Instant now, Member& member, const SuspectClaim& claim, Outbox& out);
  /// True if the claim concerns this node, and was dealt with.
  bool answer_for_self(const NodeId& id, std::uint64_t incarnation);
  void refute(std::uint64_t incarnation);
  void note_stale(const NodeId& id);
  void pass_on(const Member& member);
  void report_conflict(const AliveClaim& claim, Outbox& out);

  Core& core_;
  std::vector<NodeId> stale_;
  std::vector<NodeId> conflicts_;
};

/// What this node holds of `member`, as it is said to others.
[[nodiscard]] Bytes encode_claim(const Core& core, const Member& member);
[[nodiscard]] AliveClaim alive_claim(const Member& member);

}  // namespace coterie::gossip
