#include "node/transfer/repair_marks.h"

#include <optional>
#include <span>
#include <utility>

namespace coterie::transfer {

Result<void> RepairMarks::load() {
  std::optional<Error> bad;
  const auto range = all_marks();
  auto scanned =
      store_.scan(Space::meta, range.from, range.to, [&](BytesView key, BytesView value) {
        const auto mark = decode_mark_key(key);
        const auto since = decode_since(value);
        if (!mark || !since) {
          bad = mark ? since.error() : mark.error();
          return false;
        }
        const auto [at, is_new] = marks_.try_emplace(*mark);
        if (!is_new && !at->second.is_saved) --unsaved_;
        at->second = {.since = *since, .serial = ++last_serial_, .is_saved = true};
        return true;
      });
  if (bad) return std::unexpected(*std::move(bad));
  return scanned;
}

void RepairMarks::add(PartitionId partition, NodeId target, WallTime now) {
  const MarkKey key{.partition = partition, .target = target};
  const auto [at, is_new] = marks_.try_emplace(key);
  at->second.serial = ++last_serial_;
  if (!is_new) return;
  at->second.since = now;
  ++unsaved_;
  save(key, at->second);
}

void RepairMarks::clear(const NeedsRepair& mark) {
  const MarkKey key{.partition = mark.partition, .target = mark.target};
  const auto found = marks_.find(key);
  if (found == marks_.end() || found->second.serial != mark.serial) return;
  Write write{.space = Space::meta, .key = encode_mark_key(key)};
  if (found->second.is_saved && !store_.append(std::span(&write, 1))) return;
  if (!found->second.is_saved) --unsaved_;
  marks_.erase(found);
}

void RepairMarks::save() {
  if (unsaved_ == 0) return;
  for (auto& [key, mark] : marks_) {
    if (!mark.is_saved) save(key, mark);
  }
}

void RepairMarks::save(const MarkKey& key, Mark& mark) {
  Write write{.space = Space::meta, .key = encode_mark_key(key), .value = encode_since(mark.since)};
  if (!store_.append(std::span(&write, 1))) return;
  mark.is_saved = true;
  --unsaved_;
}

std::vector<NeedsRepair> RepairMarks::list() const {
  std::vector<NeedsRepair> out;
  for (const auto& [key, mark] : marks_) {
    out.push_back({.partition = key.partition,
                   .target = key.target,
                   .since = mark.since,
                   .serial = mark.serial});
  }
  return out;
}

}  // namespace coterie::transfer
