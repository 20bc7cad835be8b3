#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace coterie {

/// What went wrong, named for what the caller can do about it. The numbers travel on the wire and
/// are never reused.
enum class ErrorCode : std::uint8_t {
  /// The request itself is wrong; it will never succeed as it is.
  invalid_argument = 1,
  /// Key, value, record or batch over a limit of base/limits.h.
  too_large = 2,
  /// The key has as many siblings as it may; read, resolve, put with the context read.
  too_many_siblings = 3,
  /// The context was handed out for another key.
  wrong_context = 4,
  /// No such bucket, as far as this node knows: one that was just created may be news to it.
  unknown_bucket = 5,
  /// Too few owners can be reached. Nothing was executed.
  unavailable = 6,
  /// Refused early to protect those being served. Nothing was executed; retry after the hint.
  overloaded = 7,
  /// The deadline passed before anything was executed.
  expired = 8,
  /// The write may or may not have been, or may yet be, executed. Read to find out.
  unknown_outcome = 9,
  /// Nobody may be asked for this here: fetch the ring and ask an owner.
  not_owner = 10,
  /// The sender's configuration of the partition is older than the one fenced here.
  stale_configuration = 11,
  /// This copy may lack data; it counts to no quorum.
  unsure = 12,
  /// The disk or map is full: reads and deletes go on, writes are refused.
  read_only = 13,
  /// Bytes are not what they must be: bad checksum, malformed, truncated.
  corrupt = 14,
  /// Format or protocol of a version this build does not know.
  unsupported_version = 15,
  /// The system refused: file, socket, memory.
  io = 16,
  /// The other side has gone or is stopping.
  closed = 17,
  /// Not allowed to do this, or not in this state.
  refused = 18,
  /// What was asked for does not exist.
  not_found = 19,
  /// A defect of Coterie itself.
  internal = 20,
  /// The hints that fallbacks keep for owners that are away are at their bound. Nothing was
  /// executed; the owners must come back first.
  hints_full = 21,
};

/// Whether what was asked may have had an effect.
enum class Executed : std::uint8_t { no, unknown };

[[nodiscard]] Executed executed(ErrorCode code);
/// Whether the same request may succeed later or elsewhere.
[[nodiscard]] bool retryable(ErrorCode code);
/// The code's stable name, for JSON and logs.
[[nodiscard]] std::string_view name(ErrorCode code);

/// An expected failure: a code for the caller, words for people: what is wrong and what to do.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  /// When to try again; 0 where it does not matter or does not help.
  std::uint32_t retry_after_ms = 0;
  /// With stale_configuration, not 0: the record was read before a purge of this generation; read
  /// it again and resend. 0: it is the configuration that is stale.
  std::uint64_t generation = 0;
  /// With stale_configuration and no generation: the epoch of whoever refuses.
  EpochNumber epoch = {};
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{.code = code, .message = std::move(message)});
}

}  // namespace coterie
