#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "base/bytes.h"
#include "base/env/transport.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/limits.h"
#include "base/wire/frame.h"

namespace coterie {

/// Requests of other nodes under configurations that this node has not heard of yet: they wait for
/// the epoch, a bounded number of them. One thread.
class WaitingRequests {
 public:
  struct Request {
    ConnectionId connection;
    wire::FrameHeader header;
    Bytes body;
    Instant came;
  };

  /// False: there is no room. The oldest whose deadlines have passed make some.
  [[nodiscard]] bool add(Request request);
  /// All that wait, in the order in which they came.
  [[nodiscard]] std::deque<Request> take();
  void on_closed(ConnectionId connection);
  [[nodiscard]] std::size_t size() const { return requests_.size(); }

 private:
  std::deque<Request> requests_;
  std::size_t bytes_ = 0;
};

}  // namespace coterie
