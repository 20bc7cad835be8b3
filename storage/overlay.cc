#include "storage/overlay.h"

#include <algorithm>

#include "base/check.h"
#include "storage/table.h"

namespace coterie {

namespace {

/// Walks a range of up to two overlays in key order; where both have a key, the newer's stands.
class OverlayCursor {
 public:
  OverlayCursor(const Overlay* newer, const Overlay* older, Space space, BytesView from,
                BytesView to)
      : to_(to) {
    if (newer != nullptr) newer_ = newer->entries(space).lower_bound(from);
    if (older != nullptr) older_ = older->entries(space).lower_bound(from);
  }

  /// Null: the end.
  [[nodiscard]] const OverlayEntry* current() const {
    const auto* newer = within(newer_);
    const auto* older = within(older_);
    if (newer == nullptr || older == nullptr) return newer != nullptr ? newer : older;
    return newer->key() <= older->key() ? newer : older;
  }

  void advance() {
    const auto* entry = current();
    const auto* older = within(older_);
    const bool in_newer = within(newer_) == entry;
    if (older != nullptr && older->key() == entry->key()) older_.advance();
    if (in_newer) newer_.advance();
  }

 private:
  [[nodiscard]] const OverlayEntry* within(const EntryTree::Cursor& cursor) const {
    const auto* entry = cursor.entry();
    const bool is_beyond = entry != nullptr && !to_.empty() && entry->key() >= to_;
    return is_beyond ? nullptr : entry;
  }

  EntryTree::Cursor newer_;
  EntryTree::Cursor older_;
  BytesView to_;
};

}  // namespace

void Overlay::apply(LogPosition position, Space space, BytesView key,
                    std::optional<BytesView> value) {
  check(position >= last_, "an overlay is filled in the log's order");
  last_ = position;
  put(position, index_of(space), key, value);
}

void Overlay::put(LogPosition position, std::size_t space, BytesView key,
                  std::optional<BytesView> value) {
  const auto found = trees_[space].find_or_make(arena_, key);
  found.entry->set(arena_, position, value);
  if (found.is_new) records_ += 1;
}

void Overlay::merge(const Overlay& newer) {
  check(newer.is_empty() || newer.last_ >= last_, "overlays are merged in the log's order");
  for (std::size_t space = 0; space < spaces; ++space) {
    for (auto at = newer.trees_[space].begin(); const auto* entry = at.entry(); at.advance()) {
      put(entry->position(), space, entry->key(), entry->value());
    }
  }
  last_ = std::max(last_, newer.last_);
}

const OverlayEntry* Overlay::find(Space space, BytesView key) const {
  return trees_[index_of(space)].find(key);
}

const EntryTree& Overlay::entries(Space space) const {
  return trees_[index_of(space)];
}

Result<void> scan_merged(const Overlay* newer, const Overlay* older, const Table& table,
                         Space space, BytesView from, BytesView to, const Store::Visitor& visit) {
  OverlayCursor cursor(newer, older, space, from, to);
  bool goes_on = true;
  // Shows what the overlays have before `key`; whether they also have `key` itself.
  const auto show_before = [&](const BytesView* key) {
    while (goes_on) {
      const auto* entry = cursor.current();
      if (entry == nullptr || (key != nullptr && *key < entry->key())) return false;
      const bool is_same = key != nullptr && *key == entry->key();
      if (const auto value = entry->value()) goes_on = visit(entry->key(), *value);
      cursor.advance();
      if (is_same) return true;
    }
    return false;
  };
  auto scanned = table.scan(space, from, to, [&](BytesView key, BytesView value) {
    const bool is_hidden = show_before(&key);
    if (goes_on && !is_hidden) goes_on = visit(key, value);
    return goes_on;
  });
  if (!scanned) return scanned;
  show_before(nullptr);
  return {};
}

}  // namespace coterie
