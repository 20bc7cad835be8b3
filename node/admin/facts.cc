#include "node/admin/facts.h"

#include <algorithm>

namespace coterie::admin {
namespace {

ShardFacts shard_facts(const ShardStatus& shard) {
  ShardFacts out{.shard = shard.shard.value,
                 .reason = shard.store.reason,
                 .is_behind = shard.store.backlog != Backlog::none,
                 .unsure_copies = shard.unsure_copies,
                 .copies_in_doubt = shard.copies_in_doubt,
                 .damaged_records = shard.anti_entropy.damaged_waiting,
                 .scrub_trouble = shard.scrub.last_trouble};
  // Of the walk in progress or, until the next begins, of the last.
  if (shard.scrub.walk) {
    out.unreadable = shard.scrub.walk->found.unreadable;
  } else if (shard.scrub.last) {
    out.unreadable = shard.scrub.last->found.unreadable;
  }
  if (shard.store.state == StoreState::read_only) out.store = ShardFacts::Store::read_only;
  if (shard.store.state == StoreState::stopped) out.store = ShardFacts::Store::stopped;
  return out;
}

std::int64_t whole_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

Sight sight_of(const PeerView& peer) {
  // Gossip has no state for who was never heard of; the epoch knows its name only.
  if (peer.meta.shards == 0 && peer.liveness == wire::Liveness::dead) return Sight::unheard;
  switch (peer.liveness) {
    case wire::Liveness::alive:
      return Sight::alive;
    case wire::Liveness::suspect:
      return Sight::suspect;
    case wire::Liveness::left:
      return Sight::left;
    case wire::Liveness::dead:
      break;
  }
  return Sight::dead;
}

Facts facts_of(const NodeStatus& status) {
  Facts out{
      .self = status.node, .blockers = status.blockers, .shards_expected = status.shards_total};
  for (const auto& shard : status.shards) out.shards.push_back(shard_facts(shard));
  out.clock = {.ahead_ms = whole_ms(status.clock.ahead),
               .is_clamped = status.clock.clamped_by != Duration{0},
               .disputed_by_ms = whole_ms(status.clock.disputed_by.value_or(Duration{0}))};
  if (status.view == nullptr) return out;
  out.epoch = status.view->epoch;
  for (const auto& member : out.epoch->members()) {
    MemberFacts facts{.node = member.id, .zone = member.zone};
    for (const auto& change : out.epoch->changes()) {
      facts.is_removed = facts.is_removed || std::ranges::count(change.removed, member.id) != 0;
    }
    if (const auto* peer = status.view->peer(member.id)) {
      facts.sight = member.id == status.node ? Sight::alive : sight_of(*peer);
      facts.epoch = peer->epoch;
    }
    out.members.push_back(std::move(facts));
  }
  return out;
}

Totals totals_of(const std::vector<ShardStatus>& shards) {
  Totals out;
  for (const auto& shard : shards) {
    out.records += shard.store.records;
    out.log_bytes += shard.store.log_bytes;
    out.map_bytes += shard.store.map_bytes;
    out.overlay_bytes += shard.store.overlay_bytes;
    out.connections += shard.connections;
    out.operations += shard.operations;
    out.waiting_for_log += shard.waiting_for_log;
    out.gets += shard.gets;
    out.puts += shard.puts;
    out.scans += shard.scans;
    out.failed += shard.failed;
    out.refused += shard.refused;
    out.hints_left += shard.hints_left;
    out.hints_waiting += shard.handoff.hints();
    out.repairs += shard.coordinator.repairs;
    out.damaged_records += shard.local.damaged_records;
    out.unsure_copies += shard.unsure_copies;
    out.copies_in_doubt += shard.copies_in_doubt;
    for (const auto& [node, waiting] : shard.purge.waiting) {
      auto& all = out.tombstones.try_emplace(node, 0, waiting.since).first->second;
      all.records += waiting.records;
      all.since = std::min(all.since, waiting.since);
    }
    out.tombstones_differing += shard.purge.differing;
    out.get_latency.add(shard.get_latency);
    out.put_latency.add(shard.put_latency);
  }
  return out;
}

}  // namespace coterie::admin
