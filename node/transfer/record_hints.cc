#include "node/transfer/record_hints.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/check.h"
#include "storage/record.h"
#include "storage/versions.h"

namespace coterie::transfer {
namespace {

std::size_t bytes_of(BytesView hint_key, BytesView value) {
  return hint_key.size() + value.size();
}

/// Both, merged: what two writes left, neither of which may be lost.
Result<Bytes> merged(BytesView key, BytesView a, BytesView b, Resolver resolver) {
  const auto ours = decode_record(key, a);
  if (!ours) return std::unexpected(ours.error());
  const auto theirs = decode_record(key, b);
  if (!theirs) return std::unexpected(theirs.error());
  return encode_record(key, sync(*ours, *theirs, resolver));
}

/// The hint, if it can be read and its record is whole.
std::optional<RecordHint> whole(BytesView key, BytesView value) {
  const auto hint = decode_record_hint(value);
  if (!hint || !decode_record(key, hint->record)) return std::nullopt;
  return *hint;
}

}  // namespace

Result<void> RecordHints::work(WallTime now) {
  if (!is_counted_) return count_page();
  return moves_.empty() ? Result<void>{} : move_page(now);
}

Result<void> RecordHints::count_page() {
  const auto range = hints_of(HintKind::record);
  if (counted_to_.empty()) counted_to_ = range.from;
  Bytes last;
  std::size_t seen = 0;
  auto scanned =
      store_.scan(Space::hints, counted_to_, range.to, [&](BytesView key, BytesView value) {
        if (seen == limits::scan_page_records) return false;
        ++seen;
        last = key;
        const auto parts = decode_hint_key(key);
        if (!parts) return true;
        const auto hint = decode_record_hint(value);
        add(*parts, bytes_of(key, value), hint ? hint->since : WallTime{});
        return true;
      });
  if (!scanned) return scanned;
  if (seen < limits::scan_page_records) {
    is_counted_ = true;
    counted_to_.clear();
  } else {
    counted_to_ = std::move(last) + '\0';
  }
  return {};
}

bool RecordHints::will_be_counted(BytesView hint_key) const {
  return !is_counted_ && hint_key >= counted_to_;
}

Result<LogPosition> RecordHints::keep(const Hint& hint, WallTime now) {
  if (auto read = decode_record(hint.key, hint.record); !read) {
    return std::unexpected(read.error());
  }
  const HintKey parts{.kind = HintKind::record,
                      .target = hint.target,
                      .partition = hint.partition,
                      .key = hint.key};
  const Bytes hint_key = encode_hint_key(parts);
  const auto stored = store_.read(Space::hints, hint_key);
  if (!stored) return std::unexpected(stored.error());
  auto joined_value = joined(hint.key, stored->value.value_or(Bytes()),
                             {.since = now,
                              .generation = hint.generation,
                              .owners = std::max<std::uint8_t>(hint.owners, 1),
                              .record = hint.record});
  if (!joined_value) return std::unexpected(joined_value.error());
  Bytes value = *std::move(joined_value);
  if (stored->value && *stored->value == value) return stored->rests_on;
  const std::size_t size_before = stored->value ? stored->value->size() : 0;
  if (value.size() > size_before && is_full()) {
    ++counters_.refused;
    return std::unexpected(Error{.code = ErrorCode::hints_full,
                                 .message = "the hints that this node keeps for owners that are "
                                            "away are at their bound",
                                 .retry_after_ms = 1000});
  }
  const std::size_t bytes = bytes_of(hint_key, value);
  const auto since = decode_record_hint(value)->since;
  Write write{.space = Space::hints, .key = hint_key, .value = std::move(value)};
  const auto appended = store_.append(std::span(&write, 1));
  if (!appended) return appended;
  ++(size_before > 0 ? counters_.coalesced : counters_.kept);
  if (!will_be_counted(hint_key)) {
    // In this order, so that the group does not vanish in between.
    add(parts, bytes, since);
    if (size_before > 0) subtract(parts, hint_key.size() + size_before);
  }
  if (on_kept_) on_kept_();
  return appended;
}

/// The value of a hint that holds what the known one does (its value; empty: there is none) and
/// what the other does.
Result<Bytes> RecordHints::joined(BytesView key, BytesView known, const RecordHint& other) const {
  // One that is damaged has lost its record already.
  const auto before = known.empty() ? std::nullopt : whole(key, known);
  if (!before) return encode_record_hint(other);
  const auto both = merged(key, before->record, other.record, resolver_of_(key));
  if (!both) return std::unexpected(both.error());
  return encode_record_hint({.since = std::min(before->since, other.since),
                             .generation = std::min(before->generation, other.generation),
                             .owners = std::max(before->owners, other.owners),
                             .record = *both});
}

Result<RecordHints::Found> RecordHints::find(PartitionId partition, BytesView key) const {
  check(is_counted_, "hints are read once all are counted");
  Found out;
  for (const auto& [target, groups] : targets_) {
    if (!groups.contains(partition)) continue;
    const auto stored = store_.read(
        Space::hints,
        encode_hint_key(
            {.kind = HintKind::record, .target = target, .partition = partition, .key = key}));
    if (!stored) return std::unexpected(stored.error());
    out.rests_on = std::max(out.rests_on, stored->rests_on);
    if (!stored->value) continue;
    const auto hint = whole(key, *stored->value);
    if (!hint) out.is_damaged = true;
    if (!hint) continue;
    if (out.record.empty()) {
      out.record = hint->record;
      out.generation = hint->generation;
      continue;
    }
    auto both = merged(key, out.record, hint->record, resolver_of_(key));
    if (!both) return std::unexpected(both.error());
    out.record = *std::move(both);
    out.generation = std::min(out.generation, hint->generation);
  }
  return out;
}

Result<RecordHints::Keys> RecordHints::keys(PartitionId partition, BytesView from, BytesView to,
                                            std::size_t most) const {
  check(is_counted_, "hints are read once all are counted");
  std::set<Bytes> found;
  std::optional<Bytes> reach;  // of the target whose page was cut short first
  for (const auto& [target, groups] : targets_) {
    if (!groups.contains(partition)) continue;
    HintKey bound{.kind = HintKind::record, .target = target, .partition = partition, .key = from};
    const Bytes first = encode_hint_key(bound);
    bound.key = to;
    const Bytes end =
        to.empty() ? hints_of(HintKind::record, target, partition).to : encode_hint_key(bound);
    std::size_t seen = 0;
    Bytes last;
    const auto scanned =
        store_.scan(Space::hints, first, end, [&](BytesView key, BytesView /*value*/) {
          if (seen++ == most) {
            reach = reach ? std::min(*reach, last) : last;
            return false;
          }
          last = decode_hint_key(key)->key;
          found.insert(last);
          return true;
        });
    if (!scanned) return std::unexpected(scanned.error());
  }
  Keys out{.keys = {}, .is_truncated = reach.has_value()};
  for (const auto& key : found) {
    if (reach && key > *reach) break;
    if (out.keys.size() == most) {
      out.is_truncated = true;
      break;
    }
    out.keys.push_back(key);
  }
  return out;
}

std::uint64_t RecordHints::hints_of_partition(PartitionId partition) const {
  std::uint64_t count = 0;
  for (const auto& [target, groups] : targets_) {
    const auto group = groups.find(partition);
    if (group != groups.end()) count += group->second.hints;
  }
  return count;
}

Result<Bytes> RecordHints::get(BytesView hint_key) const {
  auto stored = store_.get(Space::hints, hint_key);
  if (!stored) return std::unexpected(stored.error());
  return std::move(*stored).value_or(Bytes());
}

void RecordHints::erase(BytesView hint_key, Why why) {
  check(is_counted_, "hints are erased once all are counted");
  const auto known = store_.get(Space::hints, hint_key);
  if (!known || !*known) return;
  const std::size_t bytes = bytes_of(hint_key, **known);
  Write write{.space = Space::hints, .key = Bytes(hint_key)};
  if (!store_.append(std::span(&write, 1))) return;
  const auto parts = *decode_hint_key(hint_key);
  subtract(parts, bytes);
  ++(why == Why::held       ? counters_.held
     : why == Why::outdated ? counters_.outdated
                            : counters_.damaged);
  if (on_erased_) on_erased_(parts.partition);
}

void RecordHints::move(NodeId target, PartitionId partition, NodeId to) {
  moves_.push_back({.target = target, .partition = partition, .to = to});
}

/// Each hint goes over in one append: it is never missing, and never there twice.
Result<void> RecordHints::move_page(WallTime now) {
  const Move move = moves_.front();
  const auto range = hints_of(HintKind::record, move.target, move.partition);
  std::vector<std::pair<Bytes, Bytes>> hints;
  const auto scanned =
      store_.scan(Space::hints, range.from, range.to, [&](BytesView key, BytesView value) {
        hints.emplace_back(Bytes(key), Bytes(value));
        return hints.size() < limits::batch_writes / 2;
      });
  if (!scanned) return scanned;
  for (const auto& [hint_key, value] : hints) {
    HintKey parts = *decode_hint_key(hint_key);
    const HintKey from = parts;
    parts.target = move.to;
    const Bytes to_key = encode_hint_key(parts);
    const auto there = store_.get(Space::hints, to_key);
    if (!there) return std::unexpected(there.error());
    Bytes after = value;
    if (*there) {
      const auto hint = whole(parts.key, value);
      auto both = hint ? joined(parts.key, **there, *hint) : Result<Bytes>(**there);
      if (!both) return std::unexpected(both.error());
      after = *std::move(both);
    }
    const auto hint = decode_record_hint(after);
    const std::size_t bytes = bytes_of(to_key, after);
    std::array<Write, 2> writes{
        Write{.space = Space::hints, .key = to_key, .value = std::move(after)},
        Write{.space = Space::hints, .key = hint_key}};
    if (auto taken = store_.append(writes); !taken) return std::unexpected(taken.error());
    add(parts, bytes, hint ? hint->since : now);
    subtract(from, bytes_of(hint_key, value));
    if (*there) subtract(parts, bytes_of(to_key, **there));
    if (on_erased_) on_erased_(parts.partition);
  }
  if (hints.size() < limits::batch_writes / 2) moves_.pop_front();
  return {};
}

Result<std::vector<Bytes>> RecordHints::page(NodeId target, BytesView from,
                                             std::size_t most) const {
  const auto range = hints_of(HintKind::record, target);
  std::vector<Bytes> out;
  const auto scanned = store_.scan(Space::hints, from.empty() ? BytesView(range.from) : from,
                                   range.to, [&](BytesView key, BytesView /*value*/) {
                                     if (out.size() == most) return false;
                                     out.emplace_back(key);
                                     return true;
                                   });
  if (!scanned) return std::unexpected(scanned.error());
  return out;
}

RecordHints::Tally RecordHints::tally(NodeId target) const {
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

void RecordHints::add(const HintKey& hint, std::size_t bytes, WallTime since) {
  for (Tally* tally : {&all_, &targets_[hint.target][hint.partition]}) {
    ++tally->hints;
    tally->bytes += bytes;
    tally->oldest = std::min(tally->oldest, since);
  }
}

void RecordHints::subtract(const HintKey& hint, std::size_t bytes) {
  const auto groups = targets_.find(hint.target);
  check(groups != targets_.end(), "a hint that is erased was counted");
  const auto tally = groups->second.find(hint.partition);
  check(tally != groups->second.end(), "a hint that is erased was counted");
  --all_.hints;
  all_.bytes -= bytes;
  tally->second.bytes -= bytes;
  if (--tally->second.hints > 0) return;
  groups->second.erase(tally);
  if (groups->second.empty()) targets_.erase(groups);
}

#ifdef COTERIE_PLANT_AGED_HINT  // defined only where a test must see it
void RecordHints::drop_older_than(WallTime when) {
  std::vector<Bytes> old;
  const auto range = hints_of(HintKind::record);
  (void)store_.scan(Space::hints, range.from, range.to, [&](BytesView key, BytesView value) {
    const auto hint = decode_record_hint(value);
    if (hint && hint->since <= when) old.emplace_back(key);
    return true;
  });
  for (const auto& hint_key : old) erase(hint_key, Why::held);
}
#endif

}  // namespace coterie::transfer
