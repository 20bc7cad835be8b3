#include "node/admin/metrics.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "node/admin/change_documents.h"
#include "node/admin/facts.h"

namespace coterie::admin {
namespace {

/// Writes metrics with their HELP and TYPE lines.
class Page {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP coterie_{} {}\n# TYPE coterie_{} {}\n", name, help, name, type);
  }
  template <class Value>
  void line(std::string_view name, const std::string& labels, Value value) {
    const std::string braced = labels.empty() ? "" : "{" + labels + "}";
    text_ += fmt::format("coterie_{}{} {}\n", name, braced, value);
  }
  template <class Value>
  void gauge(std::string_view name, std::string_view help, Value value) {
    head(name, "gauge", help);
    line(name, "", value);
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    head(name, "counter", help);
    line(name, "", value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string label(std::string_view name, std::string_view value) {
  return fmt::format("{}=\"{}\"", name, escaped(value));
}

std::string shard_label(const ShardStatus& shard) {
  return label("shard", std::to_string(shard.shard.value));
}

/// One metric with a line for each shard.
template <class Figure>
void each_shard(Page& page, const NodeStatus& status, std::string_view type, std::string_view name,
                std::string_view help, Figure figure) {
  page.head(name, type, help);
  for (const auto& shard : status.shards) page.line(name, shard_label(shard), figure(shard));
}

template <class Figure>
void counters(Page& page, const NodeStatus& status, std::string_view name, std::string_view help,
              Figure figure) {
  each_shard(page, status, "counter", name, help, figure);
}

template <class Figure>
void gauges(Page& page, const NodeStatus& status, std::string_view name, std::string_view help,
            Figure figure) {
  each_shard(page, status, "gauge", name, help, figure);
}

void write_latency(Page& page, std::string_view operation, const Histogram& histogram) {
  using namespace std::chrono_literals;
  static constexpr std::array<Duration, 16> bounds = {50us,  100us, 250us, 500us, 1ms,   2500us,
                                                      5ms,   10ms,  25ms,  50ms,  100ms, 250ms,
                                                      500ms, 1s,    5s,    60s};
  const std::string name = "request_duration_seconds";
  const std::string which = label("operation", operation);
  const auto seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  for (const auto bound : bounds) {
    page.line(name + "_bucket", which + "," + label("le", fmt::format("{}", seconds(bound))),
              histogram.count_within(bound));
  }
  page.line(name + "_bucket", which + "," + label("le", "+Inf"), histogram.count());
  page.line(name + "_sum", which, seconds(histogram.sum()));
  page.line(name + "_count", which, histogram.count());
}

void write_node(Page& page, const NodeStatus& status) {
  page.head("build_info", "gauge", "1; the labels say what runs.");
  page.line("build_info",
            label("build", status.build) + "," + label("node", to_hex(status.node)) + "," +
                label("cluster", status.config.cluster.name) + "," +
                label("zone", status.config.node.zone),
            1);
  page.gauge("uptime_seconds", "Since the process started.",
             std::chrono::duration<double>(status.uptime).count());
  page.gauge("resident_memory_bytes", "Of this process.", status.resident_bytes);
  page.gauge("disk_free_bytes", "Where the data directory is.", status.disk_free_bytes);
  page.gauge("shards", "Event loops of this node.", status.shards_total);
  page.gauge("shards_answering", "Shards that answered this request.", status.shards.size());
}

void write_cluster(Page& page, const NodeStatus& status, const Verdict& verdict) {
  page.head("verdict", "gauge", "1 at the level that this node judges the cluster to be at.");
  for (const auto level : {Level::ok, Level::degraded, Level::forming, Level::critical}) {
    page.line("verdict", label("level", name(level)), verdict.level == level ? 1 : 0);
  }
  if (status.view == nullptr) return;
  const auto& epoch = *status.view->epoch;
  page.gauge("epoch_lineage", "Of the ring's newest epoch known here.", epoch.number().lineage);
  page.gauge("epoch_number", "Of the ring's newest epoch known here.", epoch.number().number);
  page.head("members", "gauge", "The epoch's members by the state in which this node sees them.");
  const Facts facts = facts_of(status);
  for (const auto sight :
       {Sight::alive, Sight::suspect, Sight::dead, Sight::left, Sight::unheard}) {
    std::size_t count = 0;
    for (const auto& member : facts.members) count += member.sight == sight ? 1 : 0;
    page.line("members", label("state", name(sight)), count);
  }
  const auto& now = verdict.availability;
  page.head("partitions", "gauge", "By how many of those that hold them this node sees alive.");
  page.line("partitions", label("state", "full"), now.full);
  page.line("partitions", label("state", "short"), now.short_of_copies);
  page.line("partitions", label("state", "without_quorum"), now.without_quorum);
  page.gauge("partitions_changing", "Partitions whose owners change.", now.changing);
  page.gauge("nodes_may_fail", "More nodes that may fail with quorum kept everywhere.",
             now.nodes_may_fail);
  page.gauge("zones_may_fail", "More zones that may fail with quorum kept everywhere.",
             now.zones_may_fail);
}

using S = ShardStatus;

void write_requests(Page& page, const NodeStatus& status) {
  page.head("requests_total", "counter", "Clients' requests that this node coordinated.");
  for (const auto& shard : status.shards) {
    const std::string which = shard_label(shard) + ",";
    page.line("requests_total", which + label("operation", "get"), shard.gets);
    page.line("requests_total", which + label("operation", "put"), shard.puts);
    page.line("requests_total", which + label("operation", "scan"), shard.scans);
  }
  counters(page, status, "requests_failed_total", "Answered with an error, refusals included.",
           [](const S& s) { return s.failed; });
  counters(page, status, "requests_refused_total", "Refused early as overload.",
           [](const S& s) { return s.refused; });
  counters(page, status, "requests_unknown_total", "Puts whose outcome is unknown.",
           [](const S& s) { return s.coordinator.unknown; });
  counters(page, status, "requests_weak_total", "Answered with less than the bucket's R or W.",
           [](const S& s) { return s.coordinator.weak; });
  counters(page, status, "requests_recognised_total", "Retries of a put that was done already.",
           [](const S& s) { return s.coordinator.recognised; });
  counters(page, status, "requests_forwarded_total", "Passed on to an owner of their key.",
           [](const S& s) { return s.forwarded; });
  counters(page, status, "requests_between_shards_total", "Passed on to another shard here.",
           [](const S& s) { return s.passed_between_shards; });
  counters(page, status, "requests_expired_total",
           "Of clients and of other nodes, dropped at their deadline before they were begun.",
           [](const S& s) { return s.expired; });
  gauges(page, status, "operations", "Requests in progress, late replicas' included.",
         [](const S& s) { return s.operations; });
  gauges(page, status, "connections", "Of clients and of other nodes.",
         [](const S& s) { return s.connections; });
  counters(page, status, "frames_undecodable_total", "Frames that were refused as malformed.",
           [](const S& s) { return s.frames_undecodable; });
  const Totals totals = totals_of(status.shards);
  page.head("request_duration_seconds", "histogram", "From arrival to answer, on this node.");
  write_latency(page, "get", totals.get_latency);
  write_latency(page, "put", totals.put_latency);
}

void write_replication(Page& page, const NodeStatus& status) {
  counters(page, status, "read_mismatches_total", "Reads whose owners differed.",
           [](const S& s) { return s.coordinator.mismatches; });
  counters(page, status, "read_repairs_total", "Records sent to owners that lacked something.",
           [](const S& s) { return s.coordinator.repairs; });
  counters(page, status, "hedges_total", "Second questions sent because the first took long.",
           [](const S& s) { return s.coordinator.hedges; });
  counters(page, status, "hints_left_total", "Writes that an owner missed.",
           [](const S& s) { return s.hints_left; });
  gauges(page, status, "hints_waiting", "Kept for nodes that missed writes.",
         [](const S& s) { return s.handoff.hints(); });
  gauges(page, status, "hints_holding_records", "Of these: held as a fallback, and counted to W.",
         [](const S& s) { return s.handoff.hints(transfer::HintKind::record); });
  counters(page, status, "hints_refused_total", "Sloppy writes refused: such hints at their bound.",
           [](const S& s) { return s.handoff.records.refused; });
  counters(page, status, "stood_in_total", "Writes and reads that fallbacks were asked for.",
           [](const S& s) { return s.coordinator.stood_in; });
  counters(page, status, "hints_replayed_total", "Records sent to nodes that had missed them.",
           [](const S& s) { return s.handoff.replayed; });
  counters(page, status, "hints_failed_total", "Such sends that were refused or not answered.",
           [](const S& s) { return s.handoff.failures; });
  counters(page, status, "hints_dropped_total", "Given up to anti-entropy.",
           [](const S& s) { return s.handoff.book.dropped + s.handoff.book.not_taken; });
  gauges(page, status, "hints_repair_marks", "Partitions of nodes that need anti-entropy.",
         [](const S& s) { return s.handoff.needs_repair; });
  counters(page, status, "bad_answers_total", "Replicas' records that could not be decoded.",
           [](const S& s) { return s.coordinator.bad_answers; });
  gauges(page, status, "copies", "Partition copies held.", [](const S& s) { return s.copies; });
  gauges(page, status, "copies_unsure", "Damaged copies that count to no quorum.",
         [](const S& s) { return s.unsure_copies; });
  gauges(page, status, "copies_in_doubt",
         "Copies that answer no reads of interval buckets after a loss of power.",
         [](const S& s) { return s.copies_in_doubt; });
  counters(page, status, "writes_minted_total", "Dots minted by this node's copies.",
           [](const S& s) { return s.local.minted; });
  counters(page, status, "writes_merged_total", "Records merged that changed something.",
           [](const S& s) { return s.local.merged; });
  counters(page, status, "writes_unchanged_total", "Records merged that changed nothing.",
           [](const S& s) { return s.local.merges_unchanged; });
  counters(page, status, "replica_reads_total", "Reads by coordinators of other nodes and by own.",
           [](const S& s) { return s.local.reads; });
  counters(page, status, "records_damaged_total", "Reads that met a bad checksum.",
           [](const S& s) { return s.local.damaged_records; });
  counters(page, status, "records_refused_total", "Records sent by others that were malformed.",
           [](const S& s) { return s.local.refused_records; });
  counters(page, status, "actors_redrawn_total",
           "Copies that began to mint under another identity.",
           [](const S& s) { return s.local.actors_redrawn; });
}

void write_anti_entropy(Page& page, const NodeStatus& status) {
  counters(page, status, "anti_entropy_rounds_total", "Comparisons with another owner that ended.",
           [](const S& s) { return s.anti_entropy.rounds; });
  counters(page, status, "anti_entropy_failed_total", "Of these, those that failed.",
           [](const S& s) { return s.anti_entropy.rounds_failed; });
  counters(page, status, "anti_entropy_keys_total", "Keys that still differed at a second look.",
           [](const S& s) { return s.anti_entropy.keys_differing; });
  counters(page, status, "anti_entropy_bytes_total", "Of frames, both ways.",
           [](const S& s) { return s.anti_entropy.bytes; });
  gauges(page, status, "copies_refilling", "Copies that may lack data and are being refilled.",
         [](const S& s) { return s.anti_entropy.refilling.size(); });
  gauges(page, status, "records_damaged_waiting", "Damaged records that wait to be refilled.",
         [](const S& s) { return s.anti_entropy.damaged_waiting; });
}

void write_deletes(Page& page, const NodeStatus& status) {
  page.head("tombstones_waiting", "gauge",
            "Deleted and expired records that are purged once that owner is back, as the last pass "
            "counted them.");
  for (const auto& [node, waiting] : totals_of(status.shards).tombstones) {
    page.line("tombstones_waiting", label("for", to_hex(node)), waiting.records);
  }
  gauges(page, status, "tombstones_differing", "That their owners do not hold alike yet.",
         [](const S& s) { return s.purge.differing; });
  counters(page, status, "purge_passes_total", "Over the partitions that this node purges.",
           [](const S& s) { return s.purge.passes; });
  counters(page, status, "purge_rounds_abandoned_total", "One partition's, tried again later.",
           [](const S& s) { return s.purge.abandoned; });
  counters(page, status, "records_purged_total", "Deleted and expired records erased here.",
           [](const S& s) { return s.local.purged_records; });
  counters(page, status, "copies_destroyed_total", "Copies found to be restored from an old state.",
           [](const S& s) { return s.local.destroyed_copies; });
}

void write_scrub(Page& page, const NodeStatus& status) {
  counters(page, status, "scrub_records_total", "Records that a scrub has read.",
           [](const S& s) { return s.scrub.total.records; });
  counters(page, status, "scrub_bytes_total", "Of these records.",
           [](const S& s) { return s.scrub.total.bytes; });
  counters(page, status, "scrub_records_damaged_total", "Of these, with a bad checksum.",
           [](const S& s) { return s.scrub.total.damaged; });
  counters(page, status, "scrub_leaves_mended_total", "Leaves of trees that were wrong.",
           [](const S& s) { return s.scrub.total.leaves_wrong; });
  counters(page, status, "scrub_unreadable_total", "Ranges of keys that could not be read.",
           [](const S& s) { return s.scrub.total.unreadable; });
  gauges(page, status, "scrub_running", "1 while a walk over all records goes on.",
         [](const S& s) { return s.scrub.walk ? 1 : 0; });
  gauges(page, status, "scrub_ended_seconds", "When the last one ended, since 1970; 0: never.",
         [](const S& s) {
           return s.scrub.last ? s.scrub.last->ended.time_since_epoch().count() / 1000 : 0;
         });
  counters(page, status, "records_refilled_total", "Damaged records that were refilled.",
           [](const S& s) { return s.anti_entropy.damaged_refilled; });
}

void write_changes(Page& page, const NodeStatus& status) {
  page.head("changes", "gauge", "Changes of owners under way, by stage.");
  for (const auto stage : {Stage::open, Stage::cut_over, Stage::aborting}) {
    const auto count = std::ranges::count(status.changes, stage, &ChangeProgress::stage);
    page.line("changes", label("stage", admin::name(stage)), count);
  }
  page.gauge("changes_paused", "Of these, those that an operator has paused.",
             std::ranges::count(status.changes, true, &ChangeProgress::is_paused));
  std::size_t waiting = 0;
  for (const auto& change : status.changes) waiting += change.partitions - change.ready;
  page.gauge("change_partitions_waiting", "Partitions that lack something for the next stage.",
             waiting);
  page.head("streams", "gauge", "Partitions that this node is being given, by phase.");
  for (const auto& shard : status.shards) {
    using enum transfer::StreamStatus::Phase;
    for (const auto phase : {queued, streaming, held, paused, covered}) {
      const auto count =
          std::ranges::count(shard.streams.streams, phase, &transfer::StreamStatus::phase);
      page.line("streams", shard_label(shard) + "," + label("phase", transfer::name(phase)), count);
    }
  }
  gauges(page, status, "streams_serving", "Streams of this node's copies to new owners.",
         [](const S& s) { return s.streams.serving; });
  counters(page, status, "stream_records_total", "Received by streams.",
           [](const S& s) { return s.streams.records; });
  counters(page, status, "stream_bytes_total", "Received by streams.",
           [](const S& s) { return s.streams.bytes; });
  counters(page, status, "stream_failures_total",
           "Questions of streams that were refused or not answered.",
           [](const S& s) { return s.streams.failures; });
}

void write_store(Page& page, const NodeStatus& status) {
  page.head("store_state", "gauge", "1 at the state that the shard's store is in.");
  for (const auto& shard : status.shards) {
    const std::string which = shard_label(shard) + ",";
    const auto line = [&](std::string_view state, StoreState is) {
      page.line("store_state", which + label("state", state), shard.store.state == is ? 1 : 0);
    };
    line("healthy", StoreState::healthy);
    line("read_only", StoreState::read_only);
    line("stopped", StoreState::stopped);
  }
  gauges(page, status, "store_records", "Records held.",
         [](const S& s) { return s.store.records; });
  gauges(page, status, "store_log_bytes", "Log segments on disk.",
         [](const S& s) { return s.store.log_bytes; });
  gauges(page, status, "store_map_bytes", "Pages used in LMDB's map.",
         [](const S& s) { return s.store.map_bytes; });
  gauges(page, status, "store_overlay_bytes", "Written and not yet in LMDB.",
         [](const S& s) { return s.store.overlay_bytes; });
  gauges(page, status, "store_overlay_records", "Written and not yet in LMDB.",
         [](const S& s) { return s.store.overlay_records; });
  gauges(page, status, "store_behind",
         "Checkpoints have fallen behind: 1 clients' writes wait, 2 replicas' too.",
         [](const S& s) { return static_cast<int>(s.store.backlog); });
  gauges(page, status, "store_answers_waiting", "Answers that wait for the log.",
         [](const S& s) { return s.waiting_for_log; });
  counters(page, status, "store_checkpoints_total", "Ended since the start.",
           [](const S& s) { return s.store.checkpoints; });
  counters(page, status, "store_syncs_total", "Of the log since the start.",
           [](const S& s) { return s.store.syncs; });
}

void write_gossip(Page& page, const NodeStatus& status) {
  const auto& g = status.gossip;
  page.counter("gossip_packets_received_total", "UDP packets.", g.packets_in);
  page.counter("gossip_packets_sent_total", "UDP packets.", g.packets_out);
  page.counter("gossip_received_bytes_total", "In UDP packets.", g.bytes_in);
  page.counter("gossip_sent_bytes_total", "In UDP packets.", g.bytes_out);
  page.counter("gossip_exchanges_served_total", "Full exchanges that others began.",
               g.exchanges_in);
  page.counter("gossip_exchanges_begun_total", "Full exchanges begun here.", g.exchanges_out);
  page.counter("gossip_exchanges_failed_total", "Full exchanges that failed.", g.exchanges_failed);
  page.head("gossip_dropped_total", "counter", "Packets and messages dropped, by reason.");
  const auto dropped = [&page](std::string_view reason, std::uint64_t count) {
    page.line("gossip_dropped_total", label("reason", reason), count);
  };
  dropped("malformed", g.dropped_malformed);
  dropped("newer_version", g.dropped_newer_version);
  dropped("other_cluster", g.dropped_other_cluster);
  dropped("unverified", g.dropped_unverified);
  dropped("own", g.dropped_own);
  dropped("misdirected", g.dropped_misdirected);
  dropped("table_full", g.dropped_table_full);
  page.counter("gossip_probes_total", "Members probed.", g.probes);
  page.counter("gossip_probes_indirect_total", "Probes not answered directly in time.",
               g.probes_indirect);
  page.counter("gossip_probes_failed_total", "Probes not answered at all.", g.probes_failed);
  page.counter("gossip_suspicions_total", "Begun here or heard of.", g.suspicions);
  page.counter("gossip_deaths_declared_total", "Members that this node gave up.",
               g.deaths_declared);
  page.counter("gossip_refutations_total", "Of accusations against this node.", g.refutations);
  page.counter("gossip_stalls_total", "Of this process, noticed by late timers.", g.stalls);
  page.gauge("gossip_local_health", "Lifeguard's multiplier: 1 healthy, more: this node is slow.",
             status.local_health);
}

void write_clock(Page& page, const NodeStatus& status) {
  const auto seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  const auto& clock = status.clock;
  page.gauge("clock_ahead_seconds", "This node's clock less the median of the cluster's.",
             seconds(clock.ahead));
  page.gauge("clock_clamped_seconds", "By how much its timestamps are held back; 0: they are not.",
             seconds(clock.clamped_by));
  page.gauge("clock_disputed_seconds",
             "How far the middle clocks are apart where no majority agrees; 0: one does.",
             seconds(clock.disputed_by.value_or(Duration{0})));
  page.head("clock_peer_ahead_seconds", "gauge", "Another node's clock less this node's.");
  for (const auto& peer : clock.peers) {
    page.line("clock_peer_ahead_seconds", label("peer", to_hex(peer.node)), seconds(peer.ahead));
  }
  page.head("clock_peer_error_seconds", "gauge", "How far that may be wrong.");
  for (const auto& peer : clock.peers) {
    page.line("clock_peer_error_seconds", label("peer", to_hex(peer.node)), seconds(peer.error));
  }
  counters(page, status, "clock_readings_clamped_total",
           "Readings of this node's clock that were held to the median's bounds.",
           [](const S& s) { return s.clock_readings_clamped; });
}

}  // namespace

std::string metrics_text(const NodeStatus& status, const Verdict& verdict) {
  Page page;
  write_node(page, status);
  write_cluster(page, status, verdict);
  write_requests(page, status);
  write_replication(page, status);
  write_anti_entropy(page, status);
  write_deletes(page, status);
  write_scrub(page, status);
  write_changes(page, status);
  write_store(page, status);
  write_gossip(page, status);
  write_clock(page, status);
  return page.take();
}

}  // namespace coterie::admin
