#include "client/standing.h"

#include <chrono>

namespace coterie::client {
namespace {

/// For how long what was seen of a node counts. Gossip needs about as long to tell the truth.
constexpr Duration memory = std::chrono::seconds(1);

bool is_recent(Instant when, Instant now) {
  return when != Instant::min() && now - when < memory;
}

bool speaks_against_node(ErrorCode code) {
  switch (code) {
    case ErrorCode::unavailable:
    case ErrorCode::overloaded:
    case ErrorCode::unknown_outcome:
    case ErrorCode::unsure:
    case ErrorCode::read_only:
    case ErrorCode::io:
    case ErrorCode::closed:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Standing::on_answer(NodeId node, Instant now) {
  seen_[node] = {.answered = now};
}

void Standing::on_failure(NodeId node, ErrorCode code, Instant now) {
  if (speaks_against_node(code)) seen_[node] = {.failed = now};
}

int Standing::doubt(NodeId node, wire::Liveness told, bool is_usable, Instant now) const {
  const auto found = seen_.find(node);
  const Seen seen = found == seen_.end() ? Seen{} : found->second;
  if (is_recent(seen.failed, now)) return doubt_most;
  const bool is_alive = told == wire::Liveness::alive || is_recent(seen.answered, now);
  if (is_alive) return is_usable ? 0 : 1;
  return told == wire::Liveness::suspect && is_usable ? 1 : doubt_most;
}

}  // namespace coterie::client
