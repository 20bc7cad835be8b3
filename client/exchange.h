#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/error.h"
#include "base/wire/codec.h"
#include "client/call.h"

namespace coterie::client {

/// Where a request goes.
[[nodiscard]] const std::string& bucket_of(const Call::Request& request);
[[nodiscard]] PartitionId partition_of(const Call::Request& request, const Epoch& epoch,
                                       BucketId bucket);
/// Bytes that a request holds while it is in progress.
[[nodiscard]] std::size_t bytes_of(const Call::Request& request);
/// What can be seen to be wrong without a node: keys, values and contexts over their limits.
[[nodiscard]] Result<void> validate(const Call::Request& request);
[[nodiscard]] Bytes encode(const Call::Request& request, BucketId bucket,
                           const wire::Envelope& envelope);

using Reply = std::variant<GetResult, PutResult, ScanPage>;
/// What a reply's body says. Errors: corrupt, also where it is not the reply to this request.
[[nodiscard]] Result<Reply> read_reply(const Call::Request& request, wire::Kind kind,
                                       BytesView body, std::uint32_t partitions);

/// Call the request's callback.
void succeed(Call::Request request, Reply reply);
void fail_with(Call::Request request, Error error);

/// The cursor that a client holds: u8 version, u32 partition, the server's cursor.
struct ScanPlace {
  PartitionId partition;
  Bytes cursor;
};
[[nodiscard]] Cursor encode_place(const ScanPlace& place);
/// Error: invalid_argument.
[[nodiscard]] Result<ScanPlace> decode_place(const Cursor& cursor);

}  // namespace coterie::client
