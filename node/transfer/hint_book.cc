#include "node/transfer/hint_book.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"

namespace coterie::transfer {
namespace {

/// What a hint takes on disk beside its bytes, about: the log's and the table's share.
constexpr std::size_t hint_overhead_bytes = 48;

std::size_t bytes_of(BytesView hint_key) {
  return hint_key.size() + hint_overhead_bytes;
}

Bytes successor(Bytes key) {
  key.push_back('\0');
  return key;
}

}  // namespace

Result<void> HintBook::work() {
  if (!is_counted_) return count_page();
  marks_.save();
  return dropping_.empty() ? Result<void>{} : drop_page();
}

Result<void> HintBook::count_page() {
  const auto range = hints_of(HintKind::strict);
  if (counted_to_.empty()) {
    if (auto loaded = marks_.load(); !loaded) return loaded;
    counted_to_ = range.from;
  }
  std::vector<Hint> found;
  Bytes last;
  std::size_t seen = 0;
  auto scanned =
      store_.scan(Space::hints, counted_to_, range.to, [&](BytesView key, BytesView value) {
        if (seen == limits::scan_page_records) return false;
        ++seen;
        last = key;
        const auto hint = decode_hint_key(key);
        if (!hint) return true;
        // Since when is not known: it is given up as too old.
        const auto since = decode_since(value).value_or(WallTime{});
        found.push_back({hint->target, hint->partition, bytes_of(key), since});
        return true;
      });
  if (!scanned) return scanned;
  for (const auto& hint : found) add(hint);
  if (seen < limits::scan_page_records) {
    is_counted_ = true;
    counted_to_.clear();
  } else {
    counted_to_ = successor(std::move(last));
  }
  return {};
}

Result<void> HintBook::drop_page() {
  const auto [target, partition] = *dropping_.begin();
  const auto range = hints_of(HintKind::strict, target, partition);
  std::vector<Write> erasures;
  auto scanned =
      store_.scan(Space::hints, range.from, range.to, [&](BytesView key, BytesView /*value*/) {
        erasures.push_back({.space = Space::hints, .key = Bytes(key)});
        return erasures.size() < limits::scan_page_records;
      });
  if (!scanned) return scanned;
  const std::size_t count = erasures.size();
  std::size_t bytes = 0;
  for (const auto& erasure : erasures) bytes += bytes_of(erasure.key);
  if (count > 0) {
    if (auto taken = store_.append(erasures); !taken) return std::unexpected(taken.error());
  }
  counters_.dropped += count;
  all_.hints -= count;
  all_.bytes -= bytes;
  if (count == limits::scan_page_records) return {};
  dropping_.erase(dropping_.begin());
  const auto groups = targets_.find(target);
  if (groups == targets_.end()) return {};
  groups->second.erase(partition);
  if (groups->second.empty()) targets_.erase(groups);
  return {};
}

void HintBook::leave(NodeId target, PartitionId partition, BytesView key, WallTime now) {
  if (is_dropping(target, partition)) {
    ++counters_.not_taken;
    return marks_.add(partition, target, now);
  }
  Bytes hint = encode_hint_key({.target = target, .partition = partition, .key = key});
  const auto known = store_.get(Space::hints, hint);
  if (known && *known) {
    ++counters_.coalesced;
    return;
  }
  if (!has_room(now)) {
    ++counters_.not_taken;
    return marks_.add(partition, target, now);
  }
  const std::size_t bytes = bytes_of(hint);
  const bool will_be_counted = !is_counted_ && hint >= counted_to_;
  Write write{.space = Space::hints, .key = std::move(hint), .value = encode_since(now)};
  if (!store_.append(std::span(&write, 1))) {
    ++counters_.not_taken;
    return marks_.add(partition, target, now);
  }
  ++counters_.left;
  if (!will_be_counted) {
    add({.target = target, .partition = partition, .bytes = bytes, .since = now});
  }
}

void HintBook::erase(NodeId target, PartitionId partition, BytesView key) {
  check(is_counted_, "hints are erased once all are counted");
  if (is_dropping(target, partition)) return;
  Bytes hint = encode_hint_key({.target = target, .partition = partition, .key = key});
  const auto known = store_.get(Space::hints, hint);
  if (!known || !*known) return;
  const std::size_t bytes = bytes_of(hint);
  Write write{.space = Space::hints, .key = std::move(hint)};
  if (!store_.append(std::span(&write, 1))) return;
  subtract(target, partition, bytes);
}

void HintBook::give_up(NodeId target, PartitionId partition, WallTime now) {
  marks_.add(partition, target, now);
  dropping_.insert({target, partition});
}

void HintBook::forget(NodeId target, PartitionId partition) {
  dropping_.insert({target, partition});
}

/// Whether one more may be kept. Dropping the largest group frees most for one mark.
bool HintBook::has_room(WallTime now) {
  if (all_.hints < limits_.hints && all_.bytes < limits_.bytes) return true;
  if (!dropping_.empty() || !is_counted_) return false;  // room is being made
  const Tally* largest = nullptr;
  std::pair<NodeId, PartitionId> whose;
  for (const auto& [target, groups] : targets_) {
    for (const auto& [partition, tally] : groups) {
      if (largest != nullptr && tally.hints <= largest->hints) continue;
      largest = &tally;
      whose = {target, partition};
    }
  }
  if (largest != nullptr) give_up(whose.first, whose.second, now);
  return false;
}

void HintBook::check_age(WallTime now) {
  marks_.save();
  for (const auto& [target, groups] : targets_) {
    for (const auto& [partition, tally] : groups) {
      if (tally.oldest <= now - limits_.age) give_up(target, partition, now);
    }
  }
}

bool HintBook::is_dropping(NodeId target, PartitionId partition) const {
  return dropping_.contains({target, partition});
}

Result<std::vector<Bytes>> HintBook::page(NodeId target, BytesView from, std::size_t most) const {
  const auto range = hints_of(HintKind::strict, target);
  std::vector<Bytes> out;
  const auto scanned = store_.scan(Space::hints, from.empty() ? BytesView(range.from) : from,
                                   range.to, [&](BytesView key, BytesView /*value*/) {
                                     if (out.size() == most) return false;
                                     if (decode_hint_key(key)) out.emplace_back(key);
                                     return true;
                                   });
  if (!scanned) return std::unexpected(scanned.error());
  return out;
}

HintBook::Tally HintBook::tally(NodeId target) const {
  Tally out;
  const auto groups = targets_.find(target);
  if (groups == targets_.end()) return out;
  for (const auto& [partition, tally] : groups->second) {
    out.hints += tally.hints;
    out.bytes += tally.bytes;
    out.oldest = std::min(out.oldest, tally.oldest);
  }
  return out;
}

void HintBook::add(const Hint& hint) {
  for (Tally* tally : {&all_, &targets_[hint.target][hint.partition]}) {
    ++tally->hints;
    tally->bytes += hint.bytes;
    tally->oldest = std::min(tally->oldest, hint.since);
  }
}

void HintBook::subtract(NodeId target, PartitionId partition, std::size_t bytes) {
  const auto groups = targets_.find(target);
  check(groups != targets_.end(), "a hint that is erased was counted");
  const auto tally = groups->second.find(partition);
  check(tally != groups->second.end(), "a hint that is erased was counted");
  --all_.hints;
  all_.bytes -= bytes;
  tally->second.bytes -= bytes;
  if (--tally->second.hints > 0) return;
  groups->second.erase(tally);
  if (groups->second.empty()) targets_.erase(groups);
}

}  // namespace coterie::transfer
