#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "storage/arena.h"
#include "storage/store.h"

namespace coterie {

/// A key and what an overlay has for it, in the overlay's arena; the key's bytes follow it there.
class OverlayEntry {
 public:
  [[nodiscard]] static OverlayEntry* make(Arena& arena, BytesView key);

  [[nodiscard]] BytesView key() const { return {key_, key_bytes_}; }
  /// None: erased.
  [[nodiscard]] std::optional<BytesView> value() const {
    return has_value_ ? std::optional(BytesView(value_, value_bytes_)) : std::nullopt;
  }
  /// Of the append that wrote it.
  [[nodiscard]] LogPosition position() const { return position_; }
  /// Takes the place of the value before where that was no smaller.
  void set(Arena& arena, LogPosition position, std::optional<BytesView> value);

 private:
  OverlayEntry() = default;

  LogPosition position_;
  const char* key_ = nullptr;
  char* value_ = nullptr;
  std::uint32_t key_bytes_ = 0;
  std::uint32_t value_bytes_ = 0;
  std::uint32_t value_room_ = 0;
  bool has_value_ = false;
};

/// Entries in the order of their keys: a B+ tree that only grows. What decides most comparisons,
/// a key's first eight bytes, stands in the nodes, so that a search looks at few entries; a search
/// that follows one for the same key, as a write follows a read, begins where that ended.
///
/// Const calls but find() may come from another thread meanwhile.
class EntryTree {
 public:
  static constexpr std::size_t fan_out = 32;

  struct Leaf;
  /// Walks in order; valid until the next insertion.
  class Cursor {
   public:
    Cursor() = default;
    Cursor(const Leaf* leaf, std::size_t at);
    [[nodiscard]] const OverlayEntry* entry() const;  // null: the end
    void advance();

   private:
    void skip_end();

    const Leaf* leaf_ = nullptr;
    std::size_t at_ = 0;
  };

  /// Null: none.
  [[nodiscard]] OverlayEntry* find(BytesView key) const;
  /// The entry of a key; made, without a value, where there was none.
  struct Found {
    OverlayEntry* entry = nullptr;
    bool is_new = false;
  };
  [[nodiscard]] Found find_or_make(Arena& arena, BytesView key);
  [[nodiscard]] Cursor begin() const { return {first_, 0}; }
  /// At the first key that is not below `key`.
  [[nodiscard]] Cursor lower_bound(BytesView key) const;

 private:
  struct Inner;
  struct Node;
  struct Path;
  struct Place {
    Leaf* leaf = nullptr;
    std::size_t at = 0;
  };

  [[nodiscard]] Place descend(std::uint64_t head, BytesView key, Path* path) const;
  [[nodiscard]] bool is_at_hint(std::uint64_t head, BytesView key) const;
  void insert(Arena& arena, Place place, const Path& path, std::uint64_t head, OverlayEntry* entry);
  void add_child(Arena& arena, const Path& path, std::size_t depth, Node* child, std::uint64_t head,
                 OverlayEntry* least);

  Node* root_ = nullptr;
  std::size_t depth_ = 0;  // inner nodes above a leaf
  Leaf* first_ = nullptr;
  mutable Place hint_;  // where the last find() ended
};

}  // namespace coterie
