#pragma once

#include <messages_generated.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/wire/codec.h"

namespace coterie::wire {

using BytesField = const flatbuffers::Vector<std::uint8_t>*;

/// Takes fields out of a verified table and holds each against its bounds; for the codecs only. The
/// first field out of bounds is remembered; the message read is then thrown away.
class Fields {
 public:
  Fields(std::string_view message, std::size_t body_bytes)
      : message_(message), untaken_bytes_(body_bytes) {}

  /// An absent field is no bytes. Fields share none: all together have no more than the body, so
  /// that a small frame cannot become large when its fields are copied.
  BytesView bytes(BytesField field, std::size_t most, std::string_view name);
  /// A record's key as the store knows it.
  BytesView stored_key(BytesField field);
  /// An end of a range of stored keys: a range that goes on right after a key begins with that key
  /// and a zero byte.
  BytesView bound(BytesField field, std::string_view name) {
    return bytes(field, limits::stored_key_bytes + 1, name);
  }
  /// The parts of one record's key. It has a partition key.
  Key key(std::uint32_t bucket, BytesField partition_key, BytesField sort_key);
  Quorum quorum(std::uint8_t count, std::string_view name);
  Durability durability(std::uint8_t value);
  Sloppy sloppy(std::uint8_t value);
  PartitionId partition(std::uint32_t value);
  ReplicaScope scope(const fb::Scope& scope);
  Evidence evidence(const fb::Evidence* evidence);
  std::vector<SiblingView> siblings(
      const flatbuffers::Vector<flatbuffers::Offset<fb::Sibling>>* siblings);
  EpochNumber epoch_number(const fb::EpochNumber* number);
  std::uint64_t time_to_live_ms(std::uint64_t value);

  /// Says what must be; false if it is not.
  bool require(bool holds, std::string_view what, ErrorCode code = ErrorCode::corrupt);
  /// The list's size; 0 if it is over `most`.
  template <class Vector>
  std::uint32_t count(const Vector* list, std::size_t most, std::string_view name) {
    const std::uint32_t size = list == nullptr ? 0 : list->size();
    return within(size, most, name, " entries") ? size : 0;
  }
  /// What `read` makes of each entry; nothing if there are over `most`.
  template <class Vector, class Read>
  auto list(const Vector* list, std::size_t most, std::string_view name, const Read& read) {
    std::vector<decltype(read(*list->Get(0)))> out;
    const std::uint32_t size = count(list, most, name);
    out.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i) out.push_back(read(*list->Get(i)));
    return out;
  }

  [[nodiscard]] std::optional<Error>& error() { return error_; }

 private:
  bool within(std::size_t size, std::size_t most, std::string_view name, std::string_view unit);

  BytesView take(BytesField field);

  std::string_view message_;
  std::size_t untaken_bytes_;
  std::optional<Error> error_;
};

/// Absent is zero.
template <class Id>
[[nodiscard]] Id to_id(const fb::Id128* id) {
  return id == nullptr ? Id{} : Id{.high = id->high(), .low = id->low()};
}

/// More than a page holds is asked for as a page; 0 stays.
[[nodiscard]] inline std::uint32_t page_records(std::uint32_t asked) {
  return std::min(asked, static_cast<std::uint32_t>(limits::scan_page_records));
}

/// The root table of `body`, or nullptr if it is not all within the body. In 8-aligned bytes.
template <class Table>
[[nodiscard]] const Table* verified_root(BytesView body) {
  check(reinterpret_cast<std::uintptr_t>(body.data()) % 8 == 0, "a frame's body is 8-byte aligned");
  const auto* start = reinterpret_cast<const std::uint8_t*>(body.data());
  if (body.size() > limits::frame_bytes) return nullptr;
    // Tests build a decoder without this, to see that the fuzzer finds that.
#ifndef COTERIE_PLANT_NO_LENGTH_CHECK
  flatbuffers::Verifier::Options options;
  options.max_depth = 4;  // message, its entries, their siblings, and one to spare
  options.max_tables = 2 + limits::scan_page_records + limits::siblings_a_frame;
  flatbuffers::Verifier verifier(start, body.size(), options);
  if (!verifier.VerifyBuffer<Table>(nullptr)) return nullptr;
#endif
  return flatbuffers::GetRoot<Table>(start);
}

/// Verifies `body` and has `read(table, fields)` make the message of it.
template <class T, class Table>
[[nodiscard]] Result<T> decode_as(BytesView body, std::string_view name,
                                  T (*read)(const Table&, Fields&)) {
  const auto* table = verified_root<Table>(body);
  Fields fields(name, body.size());
  if (!fields.require(table != nullptr, "its body is truncated or malformed")) {
    return std::unexpected(std::move(*fields.error()));
  }
  Result<T> message = read(*table, fields);
  if (fields.error()) return std::unexpected(std::move(*fields.error()));
  return message;
}

}  // namespace coterie::wire
