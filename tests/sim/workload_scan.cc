// Scans: the part of Workload that asks for them and takes their pages apart.

#include <algorithm>
#include <utility>

#include "node/coordinator/scan_range.h"
#include "storage/key.h"
#include "tests/sim/workload.h"

namespace coterie::sim {

void Workload::draw_scan(Request& request) {
  request.kind = OperationKind::scan;
  request.range.is_whole = random_.chance(0.5);
  request.range.limit_records = static_cast<std::uint32_t>(random_.below(5));
  if (request.range.is_whole || settings_.sort_keys == 1) return;
  const auto bound = settings_.sort_keys + 1;
  if (random_.chance(0.3)) request.range.from = "s" + std::to_string(random_.below(bound));
  if (random_.chance(0.3)) request.range.to = "s" + std::to_string(random_.below(bound));
}

std::optional<Workload::Request> Workload::next_page(OperationIndex scan, Request request) const {
  const auto cursor = cursors_.find(scan);
  if (cursor == cursors_.end()) return std::nullopt;
  request.range.cursor = cursor->second;
  return request;
}

wire::Scan Workload::scan_of(const Request& request) const {
  const auto& key = history_.keys[request.key];
  const auto epoch = cluster_.epoch();
  wire::Scan scan{.bucket = key.bucket,
                  .partition = epoch->partition(epoch->token(key.bucket, key.partition_key)),
                  .cursor = request.range.cursor,
                  .limit_records = request.range.limit_records,
                  .r = wire::Quorum{static_cast<std::uint8_t>(request.quorum)}};
  if (request.range.is_whole) return scan;
  scan.partition_key = key.partition_key;
  scan.sort_key_from = request.range.from;
  scan.sort_key_to = request.range.to;
  return scan;
}

std::optional<KeyIndex> Workload::find_key(BucketId bucket, BytesView partition_key,
                                           BytesView sort_key) const {
  const auto found = std::ranges::find_if(history_.keys, [&](const KeyHistory& key) {
    return key.bucket == bucket && key.partition_key == partition_key && key.sort_key == sort_key;
  });
  if (found == history_.keys.end()) return std::nullopt;
  return static_cast<KeyIndex>(found - history_.keys.begin());
}

bool Workload::is_in_range(KeyIndex index, const Request& request) const {
  const auto& key = history_.keys[index];
  const auto& asked = history_.keys[request.key];
  if (key.bucket != asked.bucket) return false;
  if (!request.range.is_whole) {
    return key.partition_key == asked.partition_key && key.sort_key >= request.range.from &&
           (request.range.to.empty() || key.sort_key < request.range.to);
  }
  const auto epoch = cluster_.epoch();
  return epoch->partition(epoch->token(key.bucket, key.partition_key)) ==
         epoch->partition(epoch->token(asked.bucket, asked.partition_key));
}

/// What the page shows of each key that it has gone past, as if the key had been read alone.
void Workload::take_scan(const Try& attempt, BytesView body) {
  const auto strange = [&](const std::string& what) {
    history_.operations[attempt.index].strange_values.push_back(what);
    conclude(attempt.index, Outcome::unknown);
  };
  const auto reply = wire::decode<wire::ScanReply>(body);
  if (!reply) return strange(reply.error().message);
  history_.operations[attempt.index].is_hinted = reply->stand_ins > 0;
  const auto scan = scan_of(attempt.request);
  const auto epoch = cluster_.epoch();
  const auto range = coordinator::scan_range(scan, epoch->token(scan.bucket, scan.partition_key),
                                             epoch->partitions());
  if (!range) return strange(range.error().message);
  const auto begin = scan.cursor.empty() ? Result<Bytes>(range->from)
                                         : coordinator::decode_cursor(*range, scan.cursor);
  const auto end = reply->cursor.empty() ? Result<Bytes>(range->to)
                                         : coordinator::decode_cursor(*range, reply->cursor);
  if (!begin || !end) return strange("a cursor that is none");
  std::map<KeyIndex, const wire::ScanEntry*> shown;
  Bytes before;
  for (const auto& entry : reply->entries) {
    const auto key = find_key(scan.bucket, entry.partition_key, entry.sort_key);
    if (!key || !is_in_range(*key, attempt.request)) {
      return strange(Bytes(entry.partition_key) + "/" + Bytes(entry.sort_key));
    }
    if (const Bytes stored = cluster_.place_of(history_.keys[*key]).stored_key;
        stored <= before || stored < *begin) {
      return strange(name(history_.keys[*key]) + " out of order");
    } else {
      before = stored;
    }
    shown.emplace(*key, &entry);
  }
  for (KeyIndex key = 0; key < history_.keys.size(); ++key) {
    if (!is_in_range(key, attempt.request)) continue;
    const Bytes stored = cluster_.place_of(history_.keys[key]).stored_key;
    if (stored < *begin || (!end->empty() && stored >= *end)) continue;
    const auto entry = shown.find(key);
    take_entry(attempt.index, key, entry == shown.end() ? nullptr : entry->second);
  }
  if (!reply->cursor.empty()) cursors_[attempt.index] = reply->cursor;
  conclude(attempt.index, Outcome::done);
}

void Workload::take_entry(OperationIndex scan, KeyIndex key, const wire::ScanEntry* entry) {
  const OperationIndex index = history_.operations.size();
  const Operation& asked = history_.operations[scan];
  Operation get{.kind = OperationKind::get,
                .key = key,
                .client = asked.client,
                .node = asked.node,
                .begin = asked.begin,
                .end = cluster_.world().now(),
                .outcome = Outcome::done,
                .quorum = asked.quorum,
                .durability = asked.durability,
                .is_hinted = asked.is_hinted,
                .context_of = {},
                .scan = scan,
                .values = {},
                .strange_values = {},
                .error = {}};
  if (entry != nullptr) {
    take_values(get, entry->siblings);
    contexts_[index] = entry->context;
    note_context(key, index);
  }
  history_.operations.push_back(std::move(get));
  history_.keys[key].operations.push_back(index);
}

}  // namespace coterie::sim
