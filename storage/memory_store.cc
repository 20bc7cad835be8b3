#include "storage/memory_store.h"

#include <algorithm>
#include <utility>

#include "storage/key_check.h"

namespace coterie {

MemoryStore::MemoryStore(std::uint32_t partitions, Durability durability)
    : durability_(durability), trees_(partitions) {}

void MemoryStore::write() {
  if (written_ == last_) return;
  written_ = last_;
  tell();
}

void MemoryStore::sync() {
  is_sync_requested_ = false;
  if (synced_ == last_) return;
  written_ = last_;
  synced_ = last_;
  tell();
}

void MemoryStore::set_state(StoreState state, std::string reason) {
  state_ = state;
  reason_ = std::move(reason);
  tell();
}

Result<Store::Stored> MemoryStore::read(Space space, BytesView key) const {
  const auto map = maps_.find(space);
  if (map == maps_.end()) return Stored{};
  const auto place = map->second.find(key);
  return place == map->second.end() ? Stored{} : place->second;
}

Result<LogPosition> MemoryStore::append(std::span<Write> writes) {
  if (state_ == StoreState::stopped) return fail(ErrorCode::closed, reason_);
  if (auto checked = check_keys(writes); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  const auto keeps = [](const Write& write) { return write.value.has_value(); };
  if (state_ == StoreState::read_only && std::any_of(writes.begin(), writes.end(), keeps)) {
    return fail(ErrorCode::read_only, reason_);
  }
  if (writes.empty()) return last_;
  last_.value += 1;
  for (auto& write : writes) {
    const bool is_damaged = write.space == Space::records && write.replaces_damaged;
    const Bytes key = is_damaged ? write.key : Bytes();
    if (write.space == Space::records && !is_damaged) {
      trees_.change(write.key, write.old_leaf_hash, write.new_leaf_hash);
    }
    maps_[write.space].insert_or_assign(std::move(write.key),
                                        Stored{.value = std::move(write.value), .rests_on = last_});
    if (is_damaged) {
      (void)trees_.recount(key, [this](BytesView from, BytesView to, const Visitor& visit) {
        return scan(Space::records, from, to, visit);
      });
    }
  }
  const auto scan_records = [this](BytesView from, BytesView to, const Visitor& visit) {
    return scan(Space::records, from, to, visit);
  };
  while (trees_.wants_deepening() && trees_.deepen(scan_records)) {
  }
  if (durability_ == Durability::immediate) written_ = synced_ = last_;
  return last_;
}

void MemoryStore::set_progress_handler(std::function<void()> handler) {
  handler_ = std::move(handler);
}

Result<void> MemoryStore::scan(Space space, BytesView from, BytesView to,
                               const Visitor& visit) const {
  if (scan_failure_) return std::unexpected(*scan_failure_);
  const auto map = maps_.find(space);
  if (map == maps_.end()) return {};
  for (auto place = map->second.lower_bound(from); place != map->second.end(); ++place) {
    if (!to.empty() && place->first >= to) break;
    if (place->second.value && !visit(place->first, *place->second.value)) break;
  }
  return {};
}

const PartitionTree* MemoryStore::tree(PartitionId partition) const {
  return trees_.tree(partition);
}

bool MemoryStore::mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                            const TreeCell& cell) {
  return trees_.mend_leaf(partition, depth, leaf, cell);
}

StoreStatus MemoryStore::status() const {
  return {.state = state_,
          .reason = reason_,
          .records = trees_.records(),
          .backlog = backlog_,
          .damaged = damaged_};
}

Result<LogPosition> MemoryStore::clear_damage(PartitionId partition) {
  if (state_ == StoreState::stopped) return fail(ErrorCode::closed, reason_);
  std::erase(damaged_, partition);
  return last_;
}

void MemoryStore::close(std::move_only_function<void()> done) {
  written_ = synced_ = last_;
  state_ = StoreState::stopped;
  reason_ = "closed";
  done();
}

void MemoryStore::tell() {
  if (handler_) handler_();
}

}  // namespace coterie
