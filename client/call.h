#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "base/env/timers.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/small_vector.h"
#include "client/callback.h"
#include "client/links.h"
#include "client/requests.h"

namespace coterie::client {

struct GetCall {
  Key key;
  Quorum r;
  Sloppy sloppy = Sloppy::bucket_default;
  Callback<GetResult> done;
};

struct WriteCall {
  Write write;
  RequestId id;
  Quorum w;
  Durability durability = Durability::bucket_default;
  Sloppy sloppy = Sloppy::bucket_default;
  std::uint64_t time_to_live_ms = 0;
  Callback<PutResult> done;
};

/// One page of one partition.
struct ScanCall {
  Range range;
  PartitionId partition;  // looked at where the range has no partition key
  Bytes cursor;           // the server's
  std::uint32_t page_records = 0;
  Quorum r;
  Callback<ScanPage> done;
};

/// A call in progress, from its acceptance to its callback.
struct Call {
  enum class State : std::uint8_t {
    queued,   // for its turn, or for the first ring
    waiting,  // for a link
    sent,
    pausing,  // before the next try
  };
  using Request = std::variant<GetCall, WriteCall, ScanCall>;

  CallId id;
  Request request;
  Instant deadline;
  std::size_t bytes = 0;
  State state = State::queued;
  bool is_started = false;  // counted among those at the nodes
  /// Was wrong from the start; fails with last_error in the next turn.
  bool is_refused = false;
  TimerId timer;
  Instant timer_at;
  std::uint32_t tries = 0;
  std::optional<Error> last_error;
  /// Of the last try that was sent: what a node said, or why it said nothing.
  std::optional<Error> last_sent_error;
  bool was_last_sent = false;

  // Of the try under way.
  TryId current;
  Target target;
  RunId run;
  EpochNumber epoch;
  /// Of a try, or of the pause before the next.
  Instant next_step;
  /// Asked in earlier tries; the others are preferred.
  SmallVector<NodeId, 3> asked;

  /// An earlier try of this write has an unknown outcome.
  bool is_in_doubt = false;

  [[nodiscard]] bool is_write() const { return std::holds_alternative<WriteCall>(request); }
};

}  // namespace coterie::client
