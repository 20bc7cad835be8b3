#pragma once

#include <map>

#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/wire/messages.h"

namespace coterie::client {

/// What this client has itself seen of nodes. A ring comes from one node, which may be cut off from
/// those that it calls dead, or not know yet who has died: what was seen here outranks it.
class Standing {
 public:
  void on_answer(NodeId node, Instant now);
  /// A try failed there in a way that may not befall another node: it is asked last for a second.
  void on_failure(NodeId node, ErrorCode code, Instant now);

  static constexpr int doubt_most = 2;
  /// How much speaks against asking `node`: 0 nothing, 1 doubts, 2 it is dead or has just failed.
  /// `told` is what the ring says, `is_usable` what the link (Links::prospect).
  [[nodiscard]] int doubt(NodeId node, wire::Liveness told, bool is_usable, Instant now) const;

 private:
  struct Seen {
    Instant answered = Instant::min();
    Instant failed = Instant::min();
  };
  std::map<NodeId, Seen> seen_;
};

}  // namespace coterie::client
