#include "storage/entry_tree.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/check.h"

namespace coterie {

namespace {

/// 32 to the power of it is beyond any overlay.
constexpr std::size_t depth_most = 12;

/// Orders as the keys do where it differs.
std::uint64_t head_of(BytesView key) {
  std::array<char, sizeof(std::uint64_t)> head{};
  key.copy(head.data(), head.size());
  const auto word = std::bit_cast<std::uint64_t>(head);
  return std::endian::native == std::endian::little ? std::byteswap(word) : word;
}

}  // namespace

OverlayEntry* OverlayEntry::make(Arena& arena, BytesView key) {
  auto* memory = static_cast<char*>(arena.allocate(sizeof(OverlayEntry) + key.size()));
  auto* entry = new (memory) OverlayEntry();
  auto* bytes = memory + sizeof(OverlayEntry);
  std::ranges::copy(key, bytes);
  entry->key_ = bytes;
  entry->key_bytes_ = static_cast<std::uint32_t>(key.size());
  return entry;
}

void OverlayEntry::set(Arena& arena, LogPosition position, std::optional<BytesView> value) {
  position_ = position;
  has_value_ = value.has_value();
  if (!value) return;
  if (value->size() > value_room_) {
    value_ = static_cast<char*>(arena.allocate(value->size()));
    value_room_ = static_cast<std::uint32_t>(value->size());
  }
  std::ranges::copy(*value, value_);
  value_bytes_ = static_cast<std::uint32_t>(value->size());
}

/// The keys of a node: an inner one's are the least of each child's, when the child was made.
struct EntryTree::Node {
  std::size_t count = 0;
  std::array<std::uint64_t, fan_out> heads{};
  std::array<OverlayEntry*, fan_out> entries{};

  /// How many of the keys from `first` on are below this one, and `first`.
  [[nodiscard]] std::size_t lower_bound(std::size_t first, std::uint64_t head,
                                        BytesView key) const {
    const auto* begin = heads.data();
    const auto* end = begin + count;
    const auto* same = std::lower_bound(begin + first, end, head);
    auto at = static_cast<std::size_t>(same - begin);
    if (at == count || *same != head) return at;
    const auto* above = std::upper_bound(same, end, head);
    const auto* from = entries.data() + at;
    const auto* to = entries.data() + (above - begin);
    const auto* place = std::partition_point(
        from, to, [key](const OverlayEntry* entry) { return entry->key() < key; });
    return at + static_cast<std::size_t>(place - from);
  }
  [[nodiscard]] bool is(std::size_t at, std::uint64_t head, BytesView key) const {
    return at < count && heads[at] == head && entries[at]->key() == key;
  }
  void put(std::size_t at, std::uint64_t head, OverlayEntry* entry) {
    std::copy_backward(heads.begin() + at, heads.begin() + count, heads.begin() + count + 1);
    std::copy_backward(entries.begin() + at, entries.begin() + count, entries.begin() + count + 1);
    heads[at] = head;
    entries[at] = entry;
    ++count;
  }
  /// Moves what stands from `from` on to an empty node.
  void split(std::size_t from, Node& right) {
    std::copy(heads.begin() + from, heads.begin() + count, right.heads.begin());
    std::copy(entries.begin() + from, entries.begin() + count, right.entries.begin());
    right.count = count - from;
    count = from;
  }
};

struct EntryTree::Leaf : Node {
  Leaf* next = nullptr;
};

struct EntryTree::Inner : Node {
  std::array<Node*, fan_out> children{};
};

/// The inner nodes passed on the way to a leaf, and which child was taken.
struct EntryTree::Path {
  std::array<Inner*, depth_most> nodes{};
  std::array<std::size_t, depth_most> taken{};
};

EntryTree::Cursor::Cursor(const Leaf* leaf, std::size_t at) : leaf_(leaf), at_(at) {
  skip_end();
}

void EntryTree::Cursor::skip_end() {
  if (leaf_ == nullptr || at_ < leaf_->count) return;
  leaf_ = leaf_->next;  // never empty
  at_ = 0;
}

const OverlayEntry* EntryTree::Cursor::entry() const {
  return leaf_ == nullptr ? nullptr : leaf_->entries[at_];
}

void EntryTree::Cursor::advance() {
  ++at_;
  skip_end();
}

EntryTree::Place EntryTree::descend(std::uint64_t head, BytesView key, Path* path) const {
  Node* node = root_;
  for (std::size_t depth = 0; depth < depth_; ++depth) {
    auto* inner = static_cast<Inner*>(node);
    // what is below all goes to the first
    auto taken = inner->lower_bound(1, head, key);
    if (!inner->is(taken, head, key)) --taken;
    if (path != nullptr) {
      path->nodes[depth] = inner;
      path->taken[depth] = taken;
    }
    node = inner->children[taken];
  }
  auto* leaf = static_cast<Leaf*>(node);
  return {.leaf = leaf, .at = leaf->lower_bound(0, head, key)};
}

/// The key stands where the last find() ended, or belongs there: between two of one leaf.
bool EntryTree::is_at_hint(std::uint64_t head, BytesView key) const {
  const auto* leaf = hint_.leaf;
  if (leaf == nullptr || hint_.at >= leaf->count) return false;
  if (leaf->is(hint_.at, head, key)) return true;
  return hint_.at > 0 && leaf->lower_bound(hint_.at - 1, head, key) == hint_.at;
}

OverlayEntry* EntryTree::find(BytesView key) const {
  if (root_ == nullptr) return nullptr;
  const auto head = head_of(key);
  hint_ = descend(head, key, nullptr);
  const bool is_there = hint_.leaf->is(hint_.at, head, key);
  return is_there ? hint_.leaf->entries[hint_.at] : nullptr;
}

EntryTree::Found EntryTree::find_or_make(Arena& arena, BytesView key) {
  const auto head = head_of(key);
  if (root_ == nullptr) root_ = first_ = new (arena.allocate(sizeof(Leaf))) Leaf();
  Path path;
  auto place = hint_;
  // a full leaf is split, which takes the way to it
  const bool is_near =
      is_at_hint(head, key) && (place.leaf->count < fan_out || place.leaf->is(place.at, head, key));
  if (!is_near) place = descend(head, key, &path);
  if (place.leaf->is(place.at, head, key)) {
    return {.entry = place.leaf->entries[place.at], .is_new = false};
  }
  auto* entry = OverlayEntry::make(arena, key);
  insert(arena, place, path, head, entry);
  return {.entry = entry, .is_new = true};
}

void EntryTree::insert(Arena& arena, Place place, const Path& path, std::uint64_t head,
                       OverlayEntry* entry) {
  auto* leaf = place.leaf;
  if (leaf->count < fan_out) return leaf->put(place.at, head, entry);
  auto* right = new (arena.allocate(sizeof(Leaf))) Leaf();
  // keys that come in order leave full leaves behind
  const bool is_last = leaf->next == nullptr && place.at == leaf->count;
  leaf->split(is_last ? fan_out - 1 : fan_out / 2, *right);
  right->next = std::exchange(leaf->next, right);
  if (place.at > leaf->count) {
    right->put(place.at - leaf->count, head, entry);
  } else {
    leaf->put(place.at, head, entry);
  }
  add_child(arena, path, depth_, right, right->heads[0], right->entries[0]);
}

/// `child` is split off what was taken at the path's node above `depth`.
void EntryTree::add_child(Arena& arena, const Path& path, std::size_t depth, Node* child,
                          std::uint64_t head, OverlayEntry* least) {
  const auto put = [](Inner& inner, std::size_t at, Node* node, std::uint64_t node_head,
                      OverlayEntry* node_least) {
    std::copy_backward(inner.children.begin() + at, inner.children.begin() + inner.count,
                       inner.children.begin() + inner.count + 1);
    inner.children[at] = node;
    inner.put(at, node_head, node_least);
  };
  if (depth == 0) {
    auto* above = new (arena.allocate(sizeof(Inner))) Inner();
    put(*above, 0, root_, root_->heads[0], root_->entries[0]);
    put(*above, 1, child, head, least);
    root_ = above;
    ++depth_;
    check(depth_ < depth_most, "an overlay is bounded");
    return;
  }
  auto& inner = *path.nodes[depth - 1];
  const auto at = path.taken[depth - 1] + 1;
  if (inner.count < fan_out) return put(inner, at, child, head, least);
  auto* right = new (arena.allocate(sizeof(Inner))) Inner();
  constexpr auto half = fan_out / 2;
  std::copy(inner.children.begin() + half, inner.children.end(), right->children.begin());
  inner.split(half, *right);
  if (at > half) {
    put(*right, at - half, child, head, least);
  } else {
    put(inner, at, child, head, least);
  }
  add_child(arena, path, depth - 1, right, right->heads[0], right->entries[0]);
}

EntryTree::Cursor EntryTree::lower_bound(BytesView key) const {
  if (root_ == nullptr) return {};
  const auto place = descend(head_of(key), key, nullptr);
  return {place.leaf, place.at};
}

}  // namespace coterie
