#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hlc.h"
#include "base/ids.h"

namespace coterie {

/// The name of exactly one write.
struct Dot {
  ActorId actor;
  std::uint64_t sequence = 0;

  constexpr auto operator<=>(const Dot&) const = default;
};

/// A version vector: for each actor the greatest sequence seen. Sorted by actor.
class VersionVector {
 public:
  using Entry = std::pair<ActorId, std::uint64_t>;

  [[nodiscard]] bool covers(const Dot& dot) const;
  /// Every entry of `other` is covered here.
  [[nodiscard]] bool covers(const VersionVector& other) const;
  /// The pointwise maximum.
  void join(const VersionVector& other);
  /// Raises one entry to at least this dot.
  void add(const Dot& dot);
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] bool is_empty() const { return entries_.empty(); }
  bool operator==(const VersionVector&) const = default;

 private:
  std::vector<Entry> entries_;
};

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

/// Typed fields of a later format, kept as they came.
struct OptionalField {
  std::uint8_t type = 0;
  BytesView bytes;

  bool operator==(const OptionalField&) const = default;
};

/// A dotted causal container: {dot -> value} and a context (versions.h). No siblings and a context:
/// a tombstone. Siblings are sorted by dot.
struct Record {
  VersionVector context;
  std::vector<Sibling> siblings;
  std::vector<OptionalField> optional_fields;

  bool operator==(const Record&) const = default;
};

inline constexpr std::uint8_t record_format = 1;

/// The record as on disk and between replicas, checksum (XXH3-64 over key, context and values)
/// last. The same record gives the same bytes everywhere.
[[nodiscard]] Bytes encode_record(BytesView key, const Record& record);

/// Verifies the checksum against `key`. Borrows from `bytes`. Errors: corrupt, unsupported_version.
[[nodiscard]] Result<Record> decode_record(BytesView key, BytesView bytes);

/// The hash of the record's version: of its context and its dots, not of its values, which the dots
/// name. Equal digests are taken for equal records. Never 0.
[[nodiscard]] std::uint64_t digest(const Record& record);

/// What a Merkle leaf is the XOR of: a hash of key and digest. 0 for no record.
[[nodiscard]] std::uint64_t leaf_hash(BytesView key, std::uint64_t record_digest);

}  // namespace coterie
