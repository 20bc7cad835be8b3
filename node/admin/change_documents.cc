#include "node/admin/change_documents.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace coterie::admin {
namespace {

using Json = nlohmann::ordered_json;

Json stream_of(const transfer::StreamStatus& stream) {
  const bool has_source = !stream.source.is_zero();
  return {{"partition", stream.partition.value},
          {"change", stream.change},
          {"phase", transfer::name(stream.phase)},
          {"source", has_source ? Json(to_hex(stream.source)) : Json()},
          {"why", stream.why},
          {"records", stream.records},
          {"records_total", stream.records_total},
          {"bytes", stream.bytes},
          {"bytes_total", stream.bytes_total ? Json(*stream.bytes_total) : Json()},
          {"bytes_a_second", stream.bytes_a_second},
          {"left_s", stream.left ? Json(stream.left->count()) : Json()}};
}

Json changes_json(const std::vector<ChangeProgress>& changes) {
  Json out = Json::array();
  for (const auto& change : changes) {
    out.push_back({{"change", change.change},
                   {"stage", name(change.stage)},
                   {"paused", change.is_paused},
                   {"partitions", change.partitions},
                   {"ready", change.ready},
                   {"missing", change.missing}});
  }
  return out;
}

}  // namespace

const char* name(Stage stage) {
  switch (stage) {
    case Stage::stable:
      return "stable";
    case Stage::open:
      return "open";
    case Stage::cut_over:
      return "cut_over";
    case Stage::aborting:
      break;
  }
  return "aborting";
}

transfer::StreamsStatus streams_of(const std::vector<ShardStatus>& shards) {
  transfer::StreamsStatus out;
  for (const auto& shard : shards) {
    const auto& of_shard = shard.streams;
    out.streams.insert(out.streams.end(), of_shard.streams.begin(), of_shard.streams.end());
    out.bytes_a_second_most += of_shard.bytes_a_second_most;
    out.batches += of_shard.batches;
    out.records += of_shard.records;
    out.bytes += of_shard.bytes;
    out.failures += of_shard.failures;
    out.serving += of_shard.serving;
  }
  std::ranges::sort(out.streams, {}, &transfer::StreamStatus::partition);
  return out;
}

std::string transfers_document(const NodeStatus& status) {
  const auto streams = streams_of(status.shards);
  Json out = {{"format", 1}, {"node", to_hex(status.node)}, {"name", short_name(status.node)}};
  out["changes"] = changes_json(status.changes);
  out["streams"] = Json::array();
  for (const auto& stream : streams.streams) out["streams"].push_back(stream_of(stream));
  out["serving"] = streams.serving;
  out["bytes_a_second_most"] = streams.bytes_a_second_most;
  out["records"] = streams.records;
  out["bytes"] = streams.bytes;
  out["failures"] = streams.failures;
  // What came from other nodes may not be UTF-8.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace coterie::admin
