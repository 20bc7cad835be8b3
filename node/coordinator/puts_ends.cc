// How puts end, and what is remembered of them.

#include <algorithm>

#include "node/coordinator/puts.h"

namespace coterie::coordinator {

void Puts::give_up_waiting(Operation& operation) {
  for (std::size_t place = 0; place < operation.owners.total; ++place) {
    if (operation.votes[place] == Vote::waiting) vote(operation, place, Vote::no);
  }
}

/// Of tries that asked for different durabilities the stronger one's votes are kept.
void Puts::remember(RequestMemory::Entry& entry, const Operation& operation) {
  const auto votes = static_cast<std::uint8_t>(operation.quorum.held(operation.yes));
  if (entry.durability == operation.durability) {
    if (votes >= entry.votes) entry.stand_ins = operation.stand_ins();
    entry.votes = std::max(entry.votes, votes);
  } else if (operation.durability == Durability::commit) {
    entry.durability = operation.durability;
    entry.votes = votes;
    entry.stand_ins = operation.stand_ins();
  }
}

void Puts::finish(std::uint64_t id, Operation& operation) {
  if (!operation.request.is_zero()) {
    RequestMemory::Entry* entry = memory_.find(operation.request, Instant::min());
    if (entry != nullptr) remember(*entry, operation);
    if (entry != nullptr && entry->operation == id) entry->operation = 0;
  }
  recycle(operation.context);
  operations_.release(id);
}

/// A replica that stays silent must not let answered puts pile up until their deadline.
void Puts::bound_waiting(std::uint64_t id) {
  waiting_.push_back(id);
  while (waiting_.size() > parts_.options.waiting_puts) {
    const std::uint64_t oldest = waiting_.front();
    waiting_.pop_front();
    Operation* operation = operations_.find(oldest);
    if (operation == nullptr) continue;
    give_up_waiting(*operation);
    finish(oldest, *operation);
  }
}

}  // namespace coterie::coordinator
