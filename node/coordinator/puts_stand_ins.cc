// Sloppy writes: fallbacks in the place of owners that do not answer.

#include <algorithm>
#include <bit>

#include "node/coordinator/puts.h"

namespace coterie::coordinator {

std::uint8_t Puts::Operation::stand_ins() const {
  const auto of_owners = (transition::Places{1} << owners.count) - 1;
  if (quorum.is_reached(yes & of_owners)) return 0;
  return static_cast<std::uint8_t>(std::popcount(yes & ~of_owners));
}

/// Those who hold it or may yet say so.
transition::Places Puts::Operation::hoped_for(bool with_late) const {
  auto out = yes;
  transition::Places bit = 1;
  for (std::size_t place = 0; place < owners.total; ++place, bit <<= 1) {
    if (votes[place] == Vote::waiting) out |= bit;
  }
  return with_late ? out : out & ~(late & ~yes);
}

/// Whether W may still be reached. Fallbacks are asked for no more than W lacks, so that a write
/// that W owners take is a strict one.
bool Puts::can_reach_w(std::uint64_t id, Operation& operation) {
  while (!operation.quorum.is_reached(operation.hoped_for(false)) && stand_in(id, operation)) {
  }
  return operation.quorum.is_reached(operation.hoped_for(true));
}

/// The owner that the next fallback keeps the write for: one that lacks it, of a group that W
/// lacks.
std::uint8_t Puts::Operation::lacking() const {
  auto owners_left =
      quorum.lacking(hoped_for(false)) & ((transition::Places{1} << owners.count) - 1);
  std::uint8_t last = 0;
  for (; owners_left != 0; owners_left &= owners_left - 1) {
    last = static_cast<std::uint8_t>(std::countr_zero(owners_left));
    if (votes[last] == Vote::yes) continue;
    bool is_stood_for = false;
    for (std::size_t place = owners.count; place < owners.total; ++place) {
      const bool is_asked = votes[place] == Vote::waiting || votes[place] == Vote::yes;
      is_stood_for = is_stood_for || (is_asked && stands_for[place] == last);
    }
    if (!is_stood_for) break;
  }
  return last;
}

/// Asks the next fallback to keep the write for an owner that lacks it. False: there is none.
bool Puts::stand_in(std::uint64_t id, Operation& operation) {
  const Owners& owners = operation.owners;
  const std::uint8_t lacking = operation.lacking();
  for (std::uint8_t place = owners.count; place < owners.total; ++place) {
    if (operation.votes[place] != Vote::idle) continue;
    operation.votes[place] = Vote::waiting;
    operation.stands_for[place] = lacking;
    operation.quorum.add_stand_in(place, lacking);
    ++parts_.counters.stood_in;
    parts_.load.sent(owners.nodes[place]);
    const TagParts tag{.operation = id, .kind = Kind::put, .owner = place};
    if (send_record(tag, operation, Generation{})) return true;
    operation.last_error = "a fallback cannot be reached";
    vote(operation, place, Vote::no);
  }
  return false;
}

void Puts::add_late_timer(std::uint64_t id, const Operation& operation, const Now& now) {
  if (operation.owners.total == operation.owners.count) return;
  const Instant when = now.time + limits::stand_in_patience;
  if (when >= operation.deadline) return;
  parts_.timers.add(when,
                    make_tag({.operation = id, .kind = Kind::put, .purpose = Purpose::hedge}));
}

void Puts::on_late(std::uint64_t id, const Now& now) {
  Operation* operation = operations_.find(id);
  if (operation == nullptr || operation->is_answered) return;
  for (std::size_t place = 0; place < operation->owners.total; ++place) {
    if (operation->votes[place] == Vote::waiting) operation->late |= transition::Places{1} << place;
  }
  add_late_timer(id, *operation, now);
  settle(id, *operation);
}

}  // namespace coterie::coordinator
