#include "node/admin/documents.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "node/admin/change_documents.h"
#include "node/admin/facts.h"
#include "node/admin/scrub_admin.h"
#include "node/admin/verdict.h"
#include "node/settings.h"

namespace coterie::admin {
namespace {

// Fields in the order that people read them.
using Json = nlohmann::ordered_json;

Json document() {
  return Json{{"format", 1}};
}

/// A setting's value as a configuration file states it, which JSON nearly always reads too.
Json value_of(const std::string& shown) {
  auto value = Json::parse(shown, nullptr, false);
  return value.is_discarded() ? Json(shown) : value;
}

std::string text_of(const Json& json) {
  // What came from other nodes may not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

double milliseconds(Duration duration) {
  // Whole microseconds: more digits would promise more than is measured.
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::microseconds>(duration).count()) /
         1000.0;
}

Json epoch_of(EpochNumber number) {
  return {{"lineage", number.lineage}, {"number", number.number}};
}

Json address_of(const Address& address) {
  return address.port == 0 ? Json() : Json(address.text());
}

Json latency_of(const Histogram& histogram) {
  return {{"count", histogram.count()},
          {"p50_ms", milliseconds(histogram.at(0.5))},
          {"p99_ms", milliseconds(histogram.at(0.99))},
          {"greatest_ms", milliseconds(histogram.greatest())}};
}

const char* name(StoreState state) {
  switch (state) {
    case StoreState::healthy:
      return "healthy";
    case StoreState::read_only:
      return "read_only";
    case StoreState::stopped:
      break;
  }
  return "stopped";
}

Json clock_of(const ClockStatus& clock) {
  return {{"ahead_ms", milliseconds(clock.ahead)},
          {"clamped_by_ms", milliseconds(clock.clamped_by)},
          {"disputed_by_ms", clock.disputed_by ? Json(milliseconds(*clock.disputed_by)) : Json()},
          {"compared_with", clock.peers.size()}};
}

/// Deleted and expired records that are not gone yet, and for whom they wait.
Json tombstones_of(const Totals& totals, WallTime now) {
  Json waiting = Json::array();
  for (const auto& [node, each] : totals.tombstones) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - each.since).count();
    waiting.push_back({{"node", to_hex(node)},
                       {"name", short_name(node)},
                       {"records", each.records},
                       {"waiting_s", std::max<std::int64_t>(0, age)}});
  }
  return {{"waiting", std::move(waiting)}, {"differing", totals.tombstones_differing}};
}

Json scrub_report(const NodeStatus& status) {
  const auto scrub = scrub_of(status.shards);
  if (!scrub.walk) return Json();
  return {{"partitions", scrub.walk->partitions},
          {"partitions_done", scrub.walk->partitions_done},
          {"left_s", scrub.walk->left ? Json(scrub.walk->left->count()) : Json()}};
}

/// What only the node itself knows.
Json report_of(const NodeStatus& status, WallTime now) {
  const Totals totals = totals_of(status.shards);
  Json shards = Json::array();
  for (const auto& shard : status.shards) {
    shards.push_back({{"shard", shard.shard.value},
                      {"state", name(shard.store.state)},
                      {"reason", shard.store.reason},
                      {"records", shard.store.records},
                      {"operations", shard.operations},
                      {"copies", shard.copies},
                      {"unsure_copies", shard.unsure_copies},
                      {"copies_in_doubt", shard.copies_in_doubt}});
  }
  return {{"wall_ms", now.time_since_epoch().count()},
          {"run", to_hex(status.run.value)},
          {"uptime_s", std::chrono::duration_cast<std::chrono::seconds>(status.uptime).count()},
          {"memory_bytes", status.resident_bytes},
          {"disk_used_bytes", totals.map_bytes + totals.log_bytes},
          {"disk_free_bytes", status.disk_free_bytes},
          {"records", totals.records},
          {"connections", totals.connections},
          {"queue", totals.operations},
          {"waiting_for_disk", totals.waiting_for_log},
          {"gets", latency_of(totals.get_latency)},
          {"puts", latency_of(totals.put_latency)},
          {"failed", totals.failed},
          {"refused", totals.refused},
          {"hints_left", totals.hints_left},
          {"hints_waiting", totals.hints_waiting},
          {"read_repairs", totals.repairs},
          {"damaged_records", totals.damaged_records},
          {"tombstones", tombstones_of(totals, now)},
          {"scrub", scrub_report(status)},
          {"local_health", status.local_health},
          {"clock", clock_of(status.clock)},
          {"shards", std::move(shards)}};
}

/// How many partitions each node owns.
using Owned = std::map<NodeId, std::size_t>;
Owned owned_in(const Epoch& epoch) {
  Owned out;
  for (const auto node : epoch.contents().owners) ++out[node];
  return out;
}

std::size_t owned_by(const Owned& owned, NodeId node) {
  const auto found = owned.find(node);
  return found == owned.end() ? 0 : found->second;
}

/// Of members and of nodes that gossip without being members.
Json node_of(const NodeStatus& status, const PeerView& peer, const Owned& owned) {
  const auto& epoch = *status.view->epoch;
  const Member* member = epoch.member(peer.node);
  const bool is_self = peer.node == status.node;
  const Sight sight = is_self ? Sight::alive : sight_of(peer);
  const bool is_heard = peer.meta.shards > 0;
  Json out = {{"id", to_hex(peer.node)},
              {"name", short_name(peer.node)},
              {"self", is_self},
              {"member", member != nullptr},
              {"state", name(sight)},
              {"zone", member != nullptr ? member->zone : peer.meta.zone},
              {"weight", member != nullptr ? member->weight : peer.meta.weight},
              {"partitions", owned_by(owned, peer.node)},
              {"epoch", peer.epoch == EpochNumber{} ? Json() : epoch_of(peer.epoch)},
              {"addresses",
               {{"client", address_of(peer.meta.client)},
                {"peer", address_of(peer.meta.peer)},
                {"gossip", address_of(peer.gossip)},
                {"admin", address_of(peer.meta.admin)}}},
              {"shards", is_heard ? Json(peer.meta.shards) : Json()},
              {"build", is_heard ? Json(peer.meta.build) : Json()},
              {"clock_ahead_ms", is_self ? Json(0) : Json()},
              {"clock_error_ms", is_self ? Json(0) : Json()}};
  const auto& clocks = status.clock.peers;
  if (const auto read = std::ranges::find(clocks, peer.node, &ClockStatus::Peer::node);
      read != clocks.end()) {
    out["clock_ahead_ms"] = milliseconds(read->ahead);
    out["clock_error_ms"] = milliseconds(read->error);
  }
  return out;
}

/// Before the first epoch a node knows only itself.
Json lone_node(const NodeStatus& status) {
  const auto& doors = status.config.doors;
  return {{"id", to_hex(status.node)},
          {"name", short_name(status.node)},
          {"self", true},
          {"member", false},
          {"state", name(Sight::alive)},
          {"zone", status.config.node.zone},
          {"weight", status.config.node.weight},
          {"partitions", 0},
          {"epoch", Json()},
          {"addresses",
           {{"client", address_of(doors.client)},
            {"peer", address_of(doors.peer)},
            {"gossip", address_of(doors.gossip)},
            {"admin", address_of(doors.admin)}}},
          {"shards", status.shards_total},
          {"build", status.build},
          {"clock_ahead_ms", 0},
          {"clock_error_ms", 0}};
}

Json nodes_of(const NodeStatus& status) {
  Json nodes = Json::array();
  if (status.view == nullptr) {
    nodes.push_back(lone_node(status));
    return nodes;
  }
  const Owned owned = owned_in(*status.view->epoch);
  for (const auto& peer : status.view->peers) nodes.push_back(node_of(status, peer, owned));
  return nodes;
}

bool is_epoch_agreed(const NodeStatus& status) {
  return std::ranges::all_of(status.view->peers, [&](const PeerView& peer) {
    const bool counts =
        peer.liveness == wire::Liveness::alive && status.view->epoch->member(peer.node) != nullptr;
    const bool is_known = peer.epoch != EpochNumber{};
    return !counts || !is_known || peer.epoch == status.view->epoch->number();
  });
}

Json cluster_of(const NodeStatus& status) {
  Json out = {{"name", status.config.cluster.name}};
  if (status.view == nullptr) {
    out["id"] = Json();
    out["epoch"] = Json();
    return out;
  }
  const auto& epoch = *status.view->epoch;
  out["id"] = to_hex(epoch.cluster());
  out["epoch"] = epoch_of(epoch.number());
  out["epoch"]["hash"] = to_hex(epoch.hash());
  out["epoch_agreed"] = is_epoch_agreed(status);
  out["replicas"] = epoch.replicas();
  return out;
}

Json thin_of(const ThinPartitions& thin) {
  if (thin.partitions == 0) return Json();
  Json first = Json::array();
  for (const auto partition : thin.first) first.push_back(partition.value);
  Json lacking = Json::array();
  for (const auto& each : thin.lacking) {
    lacking.push_back({{"node", to_hex(each.node)},
                       {"name", short_name(each.node)},
                       {"partitions", each.partitions}});
  }
  Json resting_on = Json::array();
  for (const auto node : thin.resting_on) resting_on.push_back(to_hex(node));
  return {{"partitions", thin.partitions},
          {"spare", thin.spare ? Json(*thin.spare) : Json()},
          {"first", std::move(first)},
          {"lacking", std::move(lacking)},
          {"resting_on", std::move(resting_on)}};
}

Json partitions_of(const Availability& now) {
  return {{"total", now.partitions},      {"full", now.full},
          {"short", now.short_of_copies}, {"without_quorum", now.without_quorum},
          {"changing", now.changing},     {"quorum", now.quorum},
          {"thin", thin_of(now.thin)}};
}

}  // namespace

std::string status_document(const NodeStatus& status, const Verdict& verdict, WallTime now) {
  Json out = document();
  Json problems = Json::array();
  for (const auto& problem : verdict.problems) {
    problems.push_back({{"level", name(problem.level)},
                        {"code", problem.code},
                        {"node", problem.node.is_zero() ? Json() : Json(to_hex(problem.node))},
                        {"text", problem.text}});
  }
  out["verdict"] = {{"level", name(verdict.level)}, {"text", verdict.text}};
  out["problems"] = std::move(problems);
  out["cluster"] = cluster_of(status);
  if (status.view != nullptr) {
    out["partitions"] = partitions_of(verdict.availability);
    out["may_fail"] = {{"nodes", verdict.availability.nodes_may_fail},
                       {"zones", verdict.availability.zones_may_fail}};
  } else {
    out["partitions"] = Json();
    out["may_fail"] = Json();
  }
  out["nodes"] = nodes_of(status);
  for (auto& node : out["nodes"]) {
    node["report"] = node["self"].get<bool>() ? report_of(status, now) : Json();
    // What a node cannot know of others; cluster-admin asks them and fills it in.
    node["report_error"] = Json();
    node["clock_skew_ms"] = Json();
    node["seen_by"] = Json::array();
  }
  return text_of(out);
}

std::string members_document(const NodeStatus& status) {
  Json out = document();
  out["cluster"] = cluster_of(status);
  out["nodes"] = nodes_of(status);
  return text_of(out);
}

std::string ring_document(const NodeStatus& status, std::optional<PartitionId> partition) {
  const auto& epoch = *status.view->epoch;
  Json out = document();
  out["cluster"] = cluster_of(status);
  out["partitions_total"] = epoch.partitions();
  Json members = Json::array();
  const Owned owned = owned_in(epoch);
  for (const auto& member : epoch.members()) {
    members.push_back({{"id", to_hex(member.id)},
                       {"name", short_name(member.id)},
                       {"zone", member.zone},
                       {"weight", member.weight},
                       {"partitions", owned_by(owned, member.id)}});
  }
  out["members"] = std::move(members);
  Json buckets = Json::array();
  for (const auto& bucket : epoch.buckets()) {
    Json settings = {{"id", bucket.id.value}};
    for (const auto& setting : bucket_settings()) {
      settings[std::string(setting.key)] = value_of(setting.show(bucket));
    }
    buckets.push_back(std::move(settings));
  }
  out["buckets"] = std::move(buckets);
  Json partitions = Json::array();
  const std::uint32_t first = partition ? partition->value : 0;
  const std::uint32_t end = partition ? partition->value + 1 : epoch.partitions();
  for (std::uint32_t p = first; p < end; ++p) {
    const auto bounds = bounds_of(PartitionId{p}, epoch.partitions());
    Json owners = Json::array();
    const auto configuration = epoch.at(PartitionId{p});
    for (const auto owner : configuration.old_owners) owners.push_back(to_hex(owner));
    Json new_owners = Json::array();
    for (const auto owner : configuration.new_owners) new_owners.push_back(to_hex(owner));
    partitions.push_back({{"partition", p},
                          {"configuration", epoch.configuration(PartitionId{p}).value},
                          {"first_token", to_hex(bounds.first.value)},
                          {"last_token", to_hex(bounds.last.value)},
                          {"owners", std::move(owners)},
                          {"stage", name(configuration.stage)},
                          {"new_owners", std::move(new_owners)}});
  }
  out["partitions"] = std::move(partitions);
  return text_of(out);
}

std::string health_document(const NodeStatus& status) {
  Json out = document();
  out["ready"] = true;
  out["node"] = to_hex(status.node);
  out["epoch"] = epoch_of(status.view->epoch->number());
  return text_of(out);
}

std::string config_document(const Config& config) {
  Json out = document();
  Json settings = Json::array();
  for (const auto& setting : settings_of(config)) {
    settings.push_back({{"name", setting.name},
                        {"value", value_of(setting.value)},
                        {"unit", setting.unit},
                        {"meaning", setting.meaning}});
  }
  out["settings"] = std::move(settings);
  Json buckets = Json::array();
  for (const auto& bucket : config.buckets) {
    Json entry = Json::object();
    for (const auto& setting : bucket_settings()) {
      entry[std::string(setting.key)] = value_of(setting.show(bucket));
    }
    buckets.push_back(std::move(entry));
  }
  out["buckets"] = std::move(buckets);
  return text_of(out);
}

std::string error_document(const Error& error) {
  Json out = document();
  out["error"] = {{"code", coterie::name(error.code)}, {"message", error.message}};
  return text_of(out);
}

}  // namespace coterie::admin
