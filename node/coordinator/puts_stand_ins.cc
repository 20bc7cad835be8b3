// Sloppy writes: fallbacks in the place of owners that do not answer.

#include <algorithm>

#include "node/coordinator/puts.h"

namespace coterie::coordinator {

std::uint8_t Puts::Operation::stand_ins() const {
  std::uint8_t of_owners = 0;
  std::uint8_t of_fallbacks = 0;
  for (std::size_t place = 0; place < owners.total; ++place) {
    if (votes[place] != Vote::yes) continue;
    ++(owners.is_fallback(place) ? of_fallbacks : of_owners);
  }
  return of_owners >= w ? std::uint8_t{0} : of_fallbacks;
}

/// Whether W may still be reached. Fallbacks are asked for no more than W lacks, so that a write
/// that W owners take is a strict one.
bool Puts::can_reach_w(std::uint64_t id, Operation& operation) {
  const auto hoped_for = [&operation](bool with_late) {
    std::uint32_t count = operation.yes;
    for (std::size_t place = 0; place < operation.owners.total; ++place) {
      if (operation.votes[place] != Vote::waiting) continue;
      if (with_late || (operation.late >> place & 1) == 0) ++count;
    }
    return count;
  };
  while (hoped_for(false) < operation.w && stand_in(id, operation)) {
  }
  return hoped_for(true) >= operation.w;
}

/// Asks the next fallback to keep the write for an owner that lacks it. False: there is none.
bool Puts::stand_in(std::uint64_t id, Operation& operation) {
  const Owners& owners = operation.owners;
  const auto is_stood_for = [&](std::uint8_t owner) {
    for (std::size_t place = owners.count; place < owners.total; ++place) {
      const Vote vote = operation.votes[place];
      if ((vote == Vote::waiting || vote == Vote::yes) && operation.stands_for[place] == owner) {
        return true;
      }
    }
    return false;
  };
  std::uint8_t lacking = 0;
  while (lacking + 1 < owners.count &&
         (operation.votes[lacking] == Vote::yes || is_stood_for(lacking))) {
    ++lacking;
  }
  for (std::uint8_t place = owners.count; place < owners.total; ++place) {
    if (operation.votes[place] != Vote::idle) continue;
    operation.votes[place] = Vote::waiting;
    operation.stands_for[place] = lacking;
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
    if (operation->votes[place] == Vote::waiting) operation->late |= 1U << place;
  }
  add_late_timer(id, *operation, now);
  settle(id, *operation);
}

}  // namespace coterie::coordinator
