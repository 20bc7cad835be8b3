#include "node/admin/change_documents.h"

#include <algorithm>
#include <utility>
#include <variant>

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

Json epoch_json(EpochNumber number) {
  return {{"lineage", number.lineage}, {"number", number.number}};
}

Json node_of(NodeId node) {
  return {{"id", to_hex(node)}, {"name", short_name(node)}};
}

Json ids_of(const std::vector<NodeId>& nodes) {
  Json out = Json::array();
  for (const auto node : nodes) out.push_back(to_hex(node));
  return out;
}

const char* kind_of(const plan::StagedChange& change) {
  struct Kind {
    const char* operator()(const plan::Join&) const { return "join"; }
    const char* operator()(const plan::Replace&) const { return "replace"; }
    const char* operator()(const plan::Weigh&) const { return "weight"; }
    const char* operator()(const plan::Rezone&) const { return "zone"; }
    const char* operator()(const plan::Leave&) const { return "leave"; }
    const char* operator()(const plan::Remove&) const { return "remove"; }
  };
  return std::visit(Kind{}, change);
}

Json staged_of(const std::vector<plan::StagedChange>& staged) {
  Json out = Json::array();
  for (const auto& change : staged) {
    out.push_back({{"what", kind_of(change)},
                   {"nodes", ids_of(plan::nodes_of(change))},
                   {"words", plan::words(change)}});
  }
  return out;
}

Json nodes_of(const plan::PlanReport& report) {
  Json out = Json::array();
  for (const auto& node : report.nodes) {
    Json entry = node_of(node.node);
    entry["zone"] = node.zone;
    entry["partitions_before"] = node.partitions_before;
    entry["partitions_after"] = node.partitions_after;
    entry["gained"] = node.gained;
    entry["lost"] = node.lost;
    entry["share_before"] = node.share_before;
    entry["share_after"] = node.share_after;
    entry["fair_before"] = node.fair_before;
    entry["fair_after"] = node.fair_after;
    entry["bytes_needed"] = node.bytes_needed;
    entry["bytes_free"] = node.bytes_free ? Json(*node.bytes_free) : Json();
    entry["has_room"] = node.has_room();
    out.push_back(std::move(entry));
  }
  return out;
}

Json pairs_of(const plan::PlanReport& report) {
  Json out = Json::array();
  for (const auto& pair : report.pairs) {
    out.push_back({{"source", to_hex(pair.source)},
                   {"new_owner", to_hex(pair.new_owner)},
                   {"partitions", pair.partitions},
                   {"bytes", pair.bytes}});
  }
  return out;
}

Json steps_of(const plan::PlanReport& report) {
  Json out = Json::array();
  for (const auto& step : report.steps) {
    out.push_back({{"step", plan::name(step.step)},
                   {"holds", step.holds()},
                   {"may_fail", step.may_fail},
                   {"without_writes", step.without_writes},
                   {"without_reads", step.without_reads},
                   {"not_met", step.not_met}});
  }
  return out;
}

Json plan_of(const plan::Plan& plan, const plan::PlanReport& report) {
  return {{"hash", to_hex(plan.hash)},
          {"partitions", plan.next.partitions()},
          {"changing", report.changing},
          {"reordered", report.reordered},
          {"bytes", report.bytes},
          {"seconds", report.seconds ? Json(*report.seconds) : Json()},
          {"skew_before", report.skew_before},
          {"skew_after", report.skew_after},
          {"zones_violated_before", report.zones_violated_before},
          {"zones_violated_after", report.zones_violated_after},
          {"without_source", report.without_source},
          {"left_for_later", plan.left_for_later},
          {"leaving", ids_of(plan.leaving)},
          {"removed", ids_of(plan.removed)},
          {"nodes", nodes_of(report)},
          {"pairs", pairs_of(report)},
          {"steps", steps_of(report)},
          {"problems", report.problems}};
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

std::string changes_document(NodeId self, const topology::Answer& answer) {
  Json out = {{"format", 1}, {"node", to_hex(self)}, {"name", short_name(self)}};
  out["epoch"] = epoch_json(answer.epoch->number());
  out["staged"] = staged_of(answer.staged);
  out["plan"] = answer.plan ? plan_of(*answer.plan, answer.report) : Json();
  out["why_no_plan"] = answer.why_no_plan;
  out["dropped"] = answer.dropped;
  out["changes"] = changes_json(answer.changes);
  out["begun"] = answer.begun ? Json(*answer.begun) : Json();
  // What came from other nodes may not be UTF-8.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string transfers_document(const NodeStatus& status) {
  const auto streams = streams_of(status.shards);
  Json out = {{"format", 1}, {"node", to_hex(status.node)}, {"name", short_name(status.node)}};
  out["epoch"] = status.view == nullptr ? Json() : epoch_json(status.view->epoch->number());
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
