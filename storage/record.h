#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hlc.h"
#include "base/ids.h"
#include "base/small_vector.h"
#include "storage/version_vector.h"

namespace coterie {

/// One of the concurrent values of a key. `value` borrows from the bytes it was decoded from or
/// from the request that brings it.
struct Sibling {
  Dot dot;
  Timestamp timestamp;
  std::uint64_t expires_ms = 0;  // wall milliseconds, absolute; 0 never
  RequestId request;
  /// lww buckets only: a delete competes as a sibling.
  bool is_delete = false;
  BytesView value;

  bool operator==(const Sibling&) const = default;
};

/// Typed fields of a later format, kept as they came. Sorted by (type, bytes), none twice.
struct OptionalField {
  std::uint8_t type = 0;
  BytesView bytes;

  auto operator<=>(const OptionalField&) const = default;
};

/// A dotted causal container: {dot -> value} and a context (versions.h). No siblings and a context:
/// a tombstone. Siblings are sorted by dot, and the context covers them.
struct Record {
  using Siblings = SmallVector<Sibling, 2>;

  VersionVector context;
  Siblings siblings;
  std::vector<OptionalField> optional_fields;

  bool operator==(const Record&) const = default;
};

inline constexpr std::uint8_t record_format = 1;

/// The record as on disk and between replicas, checksum (XXH3-64 over key, context and values)
/// last. The same record gives the same bytes everywhere, and every bytes that decode are those.
/// docs/storage-formats.md has the layout.
[[nodiscard]] Bytes encode_record(BytesView key, const Record& record);

/// Verifies the checksum against `key`. Borrows from `bytes`. Errors: corrupt, unsupported_version.
[[nodiscard]] Result<Record> decode_record(BytesView key, BytesView bytes);

/// The hash of the record's version: of its context, its dots and its optional fields, not of its
/// values, which the dots name. Equal digests are taken for equal records. Never 0.
[[nodiscard]] std::uint64_t digest(const Record& record);

/// digest() of bytes that encode_record gave or decode_record took: they are looked at no more.
[[nodiscard]] std::uint64_t digest_of_encoded(BytesView record);

/// digest() of encoded bytes without decoding them; verifies the checksum, not the structure.
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<std::uint64_t> peek_digest(BytesView key, BytesView bytes);

/// What a Merkle leaf is the XOR of: a hash of key and digest. 0 for no record.
[[nodiscard]] std::uint64_t leaf_hash(BytesView key, std::uint64_t record_digest);

/// The checksum that follows `body`, the encoded record's bytes before it; for tests that make
/// damaged records with a good one.
[[nodiscard]] std::uint64_t record_checksum(BytesView key, BytesView body);

}  // namespace coterie
