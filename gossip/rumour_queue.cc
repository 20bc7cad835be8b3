#include "gossip/rumour_queue.h"

#include <utility>
#include <vector>

namespace coterie::gossip {

namespace {

// No rumour is shorter: kind, length, an id and an incarnation.
constexpr std::size_t shortest_rumour_bytes = 26;

}  // namespace

std::uint32_t retransmit_limit(std::uint32_t factor, std::size_t members) {
  std::uint32_t digits = 1;  // ceil(log10(members + 1)) counted exactly
  for (std::size_t power = 10; power < members + 1; power *= 10) ++digits;
  return factor * digits;
}

void RumourQueue::add(const NodeId& subject, Bytes message) {
  remove(subject);
  const Turn turn{.sent = 0, .newness = next_newness_--, .subject = subject};
  turns_.insert(turn);
  rumours_.emplace(subject, Rumour{.message = std::move(message), .turn = turn});
}

void RumourQueue::remove(const NodeId& subject) {
  const auto found = rumours_.find(subject);
  if (found == rumours_.end()) return;
  turns_.erase(found->second.turn);
  rumours_.erase(found);
}

void RumourQueue::fill(EnvelopeWriter& packet, const NodeId& reader, std::uint32_t limit) {
  std::vector<NodeId> sent;
  for (const Turn& turn : turns_) {
    if (packet.room() < shortest_rumour_bytes) break;
    if (turn.subject == reader) continue;
    if (packet.add(rumours_.at(turn.subject).message)) sent.push_back(turn.subject);
  }
  for (const NodeId& subject : sent) {
    Rumour& rumour = rumours_.at(subject);
    turns_.erase(rumour.turn);
    if (++rumour.turn.sent >= limit) {
      rumours_.erase(subject);
    } else {
      turns_.insert(rumour.turn);
    }
  }
}

}  // namespace coterie::gossip
