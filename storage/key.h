#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

namespace coterie {

/// A record's key as on disk and between replicas (DESIGN: data model), numbers big-endian so that
/// bytes sort by token, bucket, partition key, sort key:
///   token u64 | bucket u32 | partition key's length u16 | partition key | sort key
/// One partition key's records lie together, ordered by sort key.
struct KeyParts {
  Token token;
  BucketId bucket;
  BytesView partition_key;
  BytesView sort_key;
};

inline constexpr std::size_t key_overhead_bytes = 14;

/// Errors: invalid_argument (empty partition key), too_large (both parts over limits::key_bytes).
[[nodiscard]] Result<Bytes> encode_key(const KeyParts& parts);
/// Borrows from `key`. Errors: corrupt.
[[nodiscard]] Result<KeyParts> decode_key(BytesView key);

/// The first and the one-past-last possible key of one partition key's records; of one bucket's
/// records within a token range use the token and bucket prefix.
struct KeyRange {
  Bytes from;
  Bytes to;  // exclusive; empty: no end
};
[[nodiscard]] KeyRange range_of(Token token, BucketId bucket, BytesView partition_key);
/// All keys of a partition of `partitions` (a power of two).
[[nodiscard]] KeyRange range_of(PartitionId partition, std::uint32_t partitions);

}  // namespace coterie
