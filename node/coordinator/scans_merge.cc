#include <algorithm>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "node/coordinator/scans.h"
#include "node/coordinator/visible.h"
#include "storage/key.h"
#include "storage/versions.h"

namespace coterie::coordinator {

namespace {

/// What a table takes in a frame beyond its bytes, about: offsets, lengths, numbers, padding. It
/// also keeps a page's siblings well below limits::siblings_a_frame.
constexpr std::size_t table_bytes = 48;
static_assert(limits::scan_page_bytes / table_bytes < limits::siblings_a_frame);

std::size_t bytes_of(const wire::ScanEntry& entry) {
  std::size_t bytes = entry.partition_key.size() + entry.sort_key.size() + entry.context.size();
  for (const wire::SiblingView& sibling : entry.siblings) bytes += sibling.value.size();
  return bytes + table_bytes * (1 + entry.siblings.size());
}

}  // namespace

/// All answered pages' records of `key`, merged, and goes past them. False: one is bad; its owner
/// has been dropped.
bool Scans::merge_key(Operation& operation, BytesView key, Record& record) {
  bool is_first = true;
  for (std::uint8_t owner = 0; owner < operation.owners.total; ++owner) {
    Page& page = operation.pages[owner];
    if (page.read != Read::answered || page.next == page.entries.size()) continue;
    const LocalScan::Entry& entry = page.entries[page.next];
    if (entry.key != key) continue;
    ++page.next;
    Result<Record> theirs = decode_record(key, entry.record);
    if (!theirs) {
      drop(operation, owner, theirs.error());
      return false;
    }
    if (const auto admitted = admits_sync(record, *theirs); !admitted) {
      drop(operation, owner, admitted.error());
      return false;
    }
    if (is_first) {
      record = std::move(*theirs);
    } else if (!(record == *theirs)) {
      record = sync(record, *theirs, operation.resolver);
    }
    is_first = false;
  }
  return true;
}

/// False: a page was bad and its owner has been dropped; nothing of `merged` may be used.
bool Scans::merge(Operation& operation, Merged& merged, const Now& now) {
  // beyond the last key of a page that was cut short, its owner has not answered
  std::optional<BytesView> reach;
  for (Page& page : operation.pages) {
    page.next = 0;
    if (page.read != Read::answered || !page.is_truncated) continue;
    const BytesView last = page.entries.back().key;
    reach = reach ? std::min(*reach, last) : last;
  }
  merged.entries.reserve(operation.limit_records);
  merged.contexts.reserve(operation.limit_records);
  for (;;) {
    std::optional<BytesView> key;
    for (const Page& page : operation.pages) {
      if (page.read != Read::answered || page.next == page.entries.size()) continue;
      const BytesView next = page.entries[page.next].key;
      key = key ? std::min(*key, next) : next;
    }
    if (!key || (reach && *key > *reach)) break;
    if (merged.entries.size() == operation.limit_records) {
      merged.has_more = true;
      return true;
    }
    Record record;
    if (!merge_key(operation, *key, record)) return false;
    const BytesView before = std::exchange(merged.last, *key);
    const Result<KeyParts> parts = decode_key(*key);
    if (!parts || parts->bucket != operation.bucket) continue;
    wire::ScanEntry entry{.partition_key = parts->partition_key,
                          .sort_key = parts->sort_key,
                          .siblings = visible(record, operation.resolver, now.wall)};
    if (entry.siblings.empty()) continue;
    merged.contexts.push_back(context_of(*key, record));
    entry.context = merged.contexts.back();
    merged.bytes += bytes_of(entry);
    // one that is larger than a page goes alone
    if (merged.bytes > limits::scan_page_bytes && !merged.entries.empty()) {
      merged.last = before;
      merged.has_more = true;
      return true;
    }
    merged.entries.push_back(std::move(entry));
  }
  merged.has_more = reach.has_value();
  if (reach) merged.last = *reach;
  return true;
}

}  // namespace coterie::coordinator
