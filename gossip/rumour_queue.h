#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/ids.h"
#include "gossip/packet.h"

namespace coterie::gossip {

/// How often a rumour is sent among `members` members: factor * ceil(log10(members + 1)).
[[nodiscard]] std::uint32_t retransmit_limit(std::uint32_t factor, std::size_t members);

/// What is news: at most one rumour about each member, sent along with whatever goes out.
class RumourQueue {
 public:
  /// `message` is what is said of `subject` from now on, as encode_message() gave it.
  void add(const NodeId& subject, Bytes message);
  void remove(const NodeId& subject);
  /// Adds what fits to a packet for `reader`, the least often sent and then the newest first, and
  /// drops what has now been sent `limit` times. A member is not told rumours about itself: whoever
  /// doubts it says so apart.
  void fill(EnvelopeWriter& packet, const NodeId& reader, std::uint32_t limit);

  [[nodiscard]] bool contains(const NodeId& subject) const { return rumours_.contains(subject); }
  [[nodiscard]] bool empty() const { return rumours_.empty(); }
  [[nodiscard]] std::size_t size() const { return rumours_.size(); }

 private:
  /// The order in which rumours go out.
  struct Turn {
    std::uint32_t sent = 0;
    std::uint64_t newness = 0;  // counts down
    NodeId subject;

    auto operator<=>(const Turn&) const = default;
  };
  struct Rumour {
    Bytes message;
    Turn turn;
  };

  std::map<NodeId, Rumour> rumours_;
  std::set<Turn> turns_;
  std::uint64_t next_newness_ = ~std::uint64_t{0};
};

}  // namespace coterie::gossip
