#include "storage/memory_table.h"

#include <tuple>
#include <utility>

#include "base/check.h"

namespace coterie {

void MemoryTable::set_capacity(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  capacity_ = bytes;
}

void MemoryTable::set_failure(std::optional<Error> failure) {
  const std::scoped_lock lock(mutex_);
  failure_ = std::move(failure);
}

Result<void> MemoryTable::commit(std::span<const Entry> entries,
                                 std::optional<LogPosition> position) {
  const std::scoped_lock lock(mutex_);
  if (failure_) return std::unexpected(*failure_);
  auto used = used_bytes_;
  const Entry* before = nullptr;
  for (const auto& entry : entries) {
    check(before == nullptr ||
              std::tie(before->space, before->key) < std::tie(entry.space, entry.key),
          "the entries of a commit are sorted and name each key once");
    before = &entry;
    const auto& map = maps_[index_of(entry.space)];
    if (const auto old = map.find(entry.key); old != map.end()) {
      used -= old->first.size() + old->second.size();
    }
    if (entry.value) used += entry.key.size() + entry.value->size();
  }
  if (used > capacity_) return fail(ErrorCode::read_only, "the table is full");
  for (const auto& entry : entries) {
    auto& map = maps_[index_of(entry.space)];
    if (entry.value) {
      map.insert_or_assign(Bytes(entry.key), Bytes(*entry.value));
    } else if (const auto old = map.find(entry.key); old != map.end()) {
      map.erase(old);
    }
  }
  used_bytes_ = used;
  if (position) position_ = *position;
  return {};
}

Result<LogPosition> MemoryTable::position() const {
  const std::scoped_lock lock(mutex_);
  return position_;
}

Result<std::optional<Bytes>> MemoryTable::get(Space space, BytesView key) const {
  const std::scoped_lock lock(mutex_);
  const auto& map = maps_[index_of(space)];
  const auto place = map.find(key);
  if (place == map.end()) return std::nullopt;
  return place->second;
}

Result<void> MemoryTable::scan(Space space, BytesView from, BytesView to,
                               const Store::Visitor& visit) const {
  const std::scoped_lock lock(mutex_);
  const auto& map = maps_[index_of(space)];
  for (auto place = map.lower_bound(from); place != map.end(); ++place) {
    if (!to.empty() && place->first >= to) break;
    if (!visit(place->first, place->second)) break;
  }
  return {};
}

std::uint64_t MemoryTable::used_bytes() const {
  const std::scoped_lock lock(mutex_);
  return used_bytes_;
}

std::uint64_t MemoryTable::free_bytes() const {
  const std::scoped_lock lock(mutex_);
  return capacity_ > used_bytes_ ? capacity_ - used_bytes_ : 0;
}

std::uint64_t MemoryTable::entries(Space space) const {
  const std::scoped_lock lock(mutex_);
  return maps_[index_of(space)].size();
}

}  // namespace coterie
