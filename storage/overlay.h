#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "storage/arena.h"
#include "storage/entry_tree.h"
#include "storage/store.h"

namespace coterie {

class Table;

/// What the log holds and the table does not yet: ordered entries a space, in memory of their own.
/// One that was moved from is not used again.
class Overlay {
 public:
  Overlay() = default;
  Overlay(Overlay&&) = default;
  Overlay& operator=(Overlay&&) = default;

  /// Replaces what the key has; copies both. `position` is above all before.
  void apply(LogPosition position, Space space, BytesView key, std::optional<BytesView> value);
  /// Takes over every entry of an overlay that was filled after this one.
  void merge(const Overlay& newer);

  /// None: this overlay says nothing of the key.
  [[nodiscard]] const OverlayEntry* find(Space space, BytesView key) const;
  [[nodiscard]] const EntryTree& entries(Space space) const;
  [[nodiscard]] bool is_empty() const { return records_ == 0; }
  /// Memory held, what was replaced counted.
  [[nodiscard]] std::size_t bytes() const { return arena_.used_bytes(); }
  [[nodiscard]] std::size_t records() const { return records_; }

 private:
  void put(LogPosition position, std::size_t space, BytesView key, std::optional<BytesView> value);

  Arena arena_;
  std::array<EntryTree, spaces> trees_;
  std::size_t records_ = 0;
  LogPosition last_;
};

/// Visits the keys of a range in order, where `newer` hides `older` and both hide the table; either
/// overlay may be absent. Stops when the visitor says false. Errors: the table's.
[[nodiscard]] Result<void> scan_merged(const Overlay* newer, const Overlay* older,
                                       const Table& table, Space space, BytesView from,
                                       BytesView to, const Store::Visitor& visit);

}  // namespace coterie
