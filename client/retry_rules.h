#pragma once

#include <cstdint>

#include "base/error.h"

namespace coterie::client {

/// How one try of a call ended without a result.
struct TryFailure {
  ErrorCode code = ErrorCode::internal;
  /// The request may have reached the node. False: definitely not executed, whatever the code.
  bool was_sent = true;
};

/// What may be done next.
enum class NextTry : std::uint8_t {
  none,       // the call fails
  anywhere,   // any owner may be asked
  same_node,  // only the node that was asked, in the same run of it, with the same request id
};

/// After which failures a call may be tried again. A read: wherever another try may help. A write:
/// anywhere as long as every try so far was definitely not executed; once the outcome of one is
/// unknown, only where its request id is remembered (`was_in_doubt`: that was so before this try).
[[nodiscard]] NextTry next_try(bool is_write, bool was_in_doubt, const TryFailure& failure);

/// Whether this failure of a write leaves its outcome unknown.
[[nodiscard]] inline bool leaves_in_doubt(const TryFailure& failure) {
  return failure.was_sent && executed(failure.code) == Executed::unknown;
}

}  // namespace coterie::client
