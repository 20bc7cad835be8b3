#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "storage/store.h"

namespace coterie {

class Table;

/// A key as the overlay's maps keep it: what decides most comparisons, the first eight bytes,
/// stands in the map's node, so that a search looks at the heap's only where those are equal.
class OverlayKey {
 public:
  explicit OverlayKey(Bytes key) : head_(head_of(key)), bytes_(std::move(key)) {}

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] Bytes take() && { return std::move(bytes_); }

  /// Orders as the bytes do.
  struct Less {
    using is_transparent = void;
    bool operator()(const OverlayKey& a, const OverlayKey& b) const {
      return a.head_ != b.head_ ? a.head_ < b.head_ : a.bytes_ < b.bytes_;
    }
    bool operator()(const OverlayKey& a, BytesView b) const { return a.bytes_ < b; }
    bool operator()(BytesView a, const OverlayKey& b) const { return a < b.bytes_; }
  };

 private:
  static std::uint64_t head_of(BytesView key) {
    std::array<char, sizeof(std::uint64_t)> head{};
    std::memcpy(head.data(), key.data(), std::min(head.size(), key.size()));
    const auto word = std::bit_cast<std::uint64_t>(head);
    return std::endian::native == std::endian::little ? std::byteswap(word) : word;
  }

  std::uint64_t head_;
  Bytes bytes_;
};

/// What the log holds and the table does not yet: an ordered map a space, in memory.
class Overlay {
 public:
  struct Entry {
    LogPosition position;        // of the append that wrote it
    std::optional<Bytes> value;  // none: erased
  };
  using Map = std::map<OverlayKey, Entry, OverlayKey::Less>;

  Overlay() = default;
  Overlay(Overlay&&) = default;
  Overlay& operator=(Overlay&&) = default;

  /// Replaces what the key has. `position` is above all before.
  void apply(LogPosition position, Space space, Bytes key, std::optional<Bytes> value);
  /// Makes room to find so many records, so that no later apply has to.
  void expect(std::size_t records);
  /// Takes over every entry of an overlay that was filled after this one.
  void merge(Overlay newer);

  /// None: this overlay says nothing of the key.
  [[nodiscard]] const Entry* find(Space space, BytesView key) const;
  [[nodiscard]] const Map& map(Space space) const;
  [[nodiscard]] bool is_empty() const { return records_ == 0; }
  /// Memory held, estimated.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t records() const { return records_; }
  /// The position of the last apply.
  [[nodiscard]] LogPosition last() const { return last_; }

 private:
  /// The entries of a map by its own keys: a search of the map meets a cache miss at each level.
  using Index = std::unordered_map<BytesView, Map::value_type*>;

  void put(std::size_t space, Bytes key, Entry entry);

  std::array<Map, spaces> maps_;
  std::array<Index, spaces> indexes_;
  std::size_t bytes_ = 0;
  std::size_t records_ = 0;
  LogPosition last_;
};

/// Visits the keys of a range in order, where `newer` hides `older` and both hide the table; either
/// overlay may be absent. Stops when the visitor says false. Errors: the table's.
[[nodiscard]] Result<void> scan_merged(const Overlay* newer, const Overlay* older,
                                       const Table& table, Space space, BytesView from,
                                       BytesView to, const Store::Visitor& visit);

}  // namespace coterie
