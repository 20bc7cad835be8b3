#include "storage/overlay.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "storage/table.h"

namespace coterie {

namespace {

/// What an entry costs beside its bytes: the map's node, two strings and their heap blocks, and its
/// place in the index.
constexpr std::size_t entry_overhead_bytes = 200;

std::size_t cost(BytesView key, const std::optional<Bytes>& value) {
  return entry_overhead_bytes + key.size() + (value ? value->size() : 0);
}

/// Walks a range of up to two overlays in key order; where both have a key, the newer's stands.
class OverlayCursor {
 public:
  OverlayCursor(const Overlay* newer, const Overlay* older, Space space, BytesView from,
                BytesView to) {
    if (newer != nullptr) newer_ = range(newer->map(space), from, to);
    if (older != nullptr) older_ = range(older->map(space), from, to);
  }

  [[nodiscard]] const Overlay::Map::value_type* current() const {
    if (newer_.at_end()) return older_.at_end() ? nullptr : &*older_.next;
    if (older_.at_end()) return &*newer_.next;
    return newer_.next->first.bytes() <= older_.next->first.bytes() ? &*newer_.next : &*older_.next;
  }

  void advance() {
    const auto* entry = current();
    const bool in_newer = !newer_.at_end() && &*newer_.next == entry;
    if (!older_.at_end() && older_.next->first.bytes() == entry->first.bytes()) ++older_.next;
    if (in_newer) ++newer_.next;
  }

 private:
  struct Range {
    Overlay::Map::const_iterator next;
    Overlay::Map::const_iterator end;

    [[nodiscard]] bool at_end() const { return next == end; }
  };

  static Range range(const Overlay::Map& map, BytesView from, BytesView to) {
    const auto begin = map.lower_bound(from);
    if (to.empty()) return {begin, map.end()};
    // an empty range has no end before its beginning
    return {begin, to <= from ? begin : map.lower_bound(to)};
  }

  Range newer_{empty.end(), empty.end()};
  Range older_{empty.end(), empty.end()};
  static inline const Overlay::Map empty;
};

}  // namespace

void Overlay::apply(LogPosition position, Space space, Bytes key, std::optional<Bytes> value) {
  check(position >= last_, "an overlay is filled in the log's order");
  last_ = position;
  put(index_of(space), std::move(key), Entry{.position = position, .value = std::move(value)});
}

void Overlay::put(std::size_t space, Bytes key, Entry entry) {
  bytes_ += cost(key, entry.value);
  Index& index = indexes_[space];
  const auto known = index.find(key);
  if (known != index.end()) {
    auto& [old_key, old] = *known->second;
    bytes_ -= cost(old_key.bytes(), old.value);
    old = std::move(entry);
    return;
  }
  auto& added = *maps_[space].try_emplace(OverlayKey(std::move(key)), std::move(entry)).first;
  index.emplace(added.first.bytes(), &added);
  records_ += 1;
}

void Overlay::expect(std::size_t records) {
  indexes_[index_of(Space::records)].reserve(records);
}

void Overlay::merge(Overlay newer) {
  check(newer.is_empty() || newer.last_ >= last_, "overlays are merged in the log's order");
  for (std::size_t space = 0; space < spaces; ++space) {
    auto& map = newer.maps_[space];
    while (!map.empty()) {
      auto node = map.extract(map.begin());
      put(space, std::move(node.key()).take(), std::move(node.mapped()));
    }
  }
  last_ = std::max(last_, newer.last_);
}

const Overlay::Entry* Overlay::find(Space space, BytesView key) const {
  const auto& entries = indexes_[index_of(space)];
  const auto place = entries.find(key);
  return place == entries.end() ? nullptr : &place->second->second;
}

const Overlay::Map& Overlay::map(Space space) const {
  return maps_[index_of(space)];
}

Result<void> scan_merged(const Overlay* newer, const Overlay* older, const Table& table,
                         Space space, BytesView from, BytesView to, const Store::Visitor& visit) {
  OverlayCursor cursor(newer, older, space, from, to);
  bool goes_on = true;
  // Shows what the overlays have before `key`; whether they also have `key` itself.
  const auto show_before = [&](const BytesView* key) {
    while (goes_on) {
      const auto* entry = cursor.current();
      if (entry == nullptr || (key != nullptr && *key < entry->first.bytes())) return false;
      const bool is_same = key != nullptr && *key == entry->first.bytes();
      if (entry->second.value) goes_on = visit(entry->first.bytes(), *entry->second.value);
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
