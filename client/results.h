#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hlc.h"

namespace coterie::client {

/// Names a record. A record's partition key decides where it lies; those with one partition key lie
/// together, ordered by sort key. Both parts together have at most limits::key_bytes.
struct Key {
  std::string bucket = "default";
  Bytes partition_key{};
  Bytes sort_key{};

  auto operator<=>(const Key&) const = default;
};

/// What a client has seen of a key: opaque, bound to the key it was read with. A put or delete with
/// it replaces exactly what had been seen.
class Context {
 public:
  Context() = default;
  /// What bytes() gave, for contexts that were kept elsewhere (in a form, in a cookie).
  [[nodiscard]] static Context from_bytes(Bytes bytes) { return Context(std::move(bytes)); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  /// True for a key of which nothing was ever known.
  [[nodiscard]] bool is_empty() const { return bytes_.empty(); }

  bool operator==(const Context&) const = default;

 private:
  explicit Context(Bytes bytes) : bytes_(std::move(bytes)) {}
  Bytes bytes_;
};

/// One of a key's concurrent values.
struct Sibling {
  Bytes value;
  Timestamp timestamp;
  /// Wall-clock milliseconds since 1970; 0 never.
  std::uint64_t expires_ms = 0;

  bool operator==(const Sibling&) const = default;
};

struct GetResult {
  /// For the put or delete that follows from this read. Also an absent key may have one.
  Context context;
  /// None: absent, deleted or expired.
  std::vector<Sibling> siblings;
  /// Fewer owners answered than the bucket's R asks for.
  bool is_weak = false;
  /// Fallbacks that count among those who answered: what owners that were away hold may be missing.
  std::uint16_t stand_ins = 0;

  [[nodiscard]] bool is_found() const { return !siblings.empty(); }
  /// The value where there is exactly one, else null; valid as long as this result.
  [[nodiscard]] const Bytes* value() const {
    return siblings.size() == 1 ? &siblings.front().value : nullptr;
  }
};

struct PutResult {
  /// Covers the new write and all that it replaced: the next put of this key may use it. Where
  /// siblings that it had not seen are left beside it, what the write was given: read again then.
  Context context;
  /// How many values the key has now; above 1 somebody should resolve them.
  std::uint16_t siblings = 0;
  /// Fewer owners hold it than the bucket's W asks for.
  bool is_weak = false;
  /// Fallbacks that hold it in the place of owners, and hand it over when those are back.
  std::uint16_t stand_ins = 0;
};

struct ScanRecord {
  Bytes partition_key;
  Bytes sort_key;
  Context context;
  std::vector<Sibling> siblings;
};

/// Where a scan goes on; opaque.
struct Cursor {
  Bytes bytes;

  bool operator==(const Cursor&) const = default;
};

struct ScanPage {
  /// May be empty before the end.
  std::vector<ScanRecord> records;
  Cursor next;
  /// Nothing comes after this page.
  bool is_last = false;
};

/// What a client has done so far.
struct Counters {
  std::uint64_t calls = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  /// Of those failed: writes that may or may not have been executed.
  std::uint64_t in_doubt = 0;
  std::uint64_t tries = 0;
  std::uint64_t retries = 0;
  /// Tries that a node refused because it had too much to do; fewer go to it at once then.
  std::uint64_t refused = 0;
  /// Not tried again because the retry budget was used up.
  std::uint64_t retries_denied = 0;
  std::uint64_t deadlines_passed = 0;
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t connections_lost = 0;
  std::uint64_t ring_requests = 0;
  std::uint64_t ring_changes = 0;
  /// Replies that could not be read, or to calls that had ended.
  std::uint64_t replies_malformed = 0;
  std::uint64_t replies_late = 0;
  /// Siblings merged by resolvers.
  std::uint64_t resolved = 0;
};

/// Whether a call that failed so may have had an effect all the same, or may yet have: read before
/// writing again.
[[nodiscard]] inline bool in_doubt(const Error& error) {
  return executed(error.code) == Executed::unknown;
}

}  // namespace coterie::client
