#pragma once

#include "base/wire/frame.h"
#include "base/wire/messages.h"

namespace coterie::wire {

/// What each message needs to become a frame.
struct Envelope {
  std::uint64_t request_id = 0;
  std::uint32_t deadline_ms = 0;
};

/// A whole frame, header and body; the kind follows from the message. One encode() a struct of
/// messages.h.
[[nodiscard]] Bytes encode(const Hello& message, const Envelope& envelope = {});
[[nodiscard]] Bytes encode(const ErrorReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const Get& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const GetReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const Put& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PutReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const Scan& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ScanReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RingRequest& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RingReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaWrite& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaWriteReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaRead& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaReadReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaScan& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaScanReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaInspect& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaInspectReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const BirthInfo& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const BirthInfoReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const BirthAccept& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const EpochFetch& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const EpochReply& message, const Envelope& envelope);
/// `kind` is push_pull or push_pull_reply.
[[nodiscard]] Bytes encode(const PushPull& message, Kind kind, const Envelope& envelope);

/// The message in `body`, verified first; T is one of messages.h. Needs 8-byte alignment (a
/// transport gives it; others copy first: `aligned`). Errors: corrupt (not verifiable, a required
/// field missing, a value out of its range), too_large (a key, value or list over its limit). The
/// result borrows from `body`.
template <class T>
[[nodiscard]] Result<T> decode(BytesView body);

}  // namespace coterie::wire
