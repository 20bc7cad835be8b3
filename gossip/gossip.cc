#include "gossip/gossip.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "gossip/core.h"
#include "gossip/packet.h"
#include "gossip/parts.h"

namespace coterie::gossip {

namespace {

Core make_core(Instant now, Gossip::Options options, const PacketSeal& seal, Random random) {
  check(options.meta.size() <= limits::gossip_meta_bytes, "our own meta is within its limit");
  check(options.incarnation < incarnation_end / 2, "our own incarnation is within its limit");
  check(!options.address.host.empty() && options.address.host.size() <= limits::address_host_bytes,
        "our own address is one");
  Core core{.settings = options.settings,
            .seal = seal,
            .random = random,
            .self_id = options.id,
            .instance = 0,
            .cluster = options.cluster,
            .epoch = options.epoch,
            .health = LocalHealth(options.settings.local_health_most)};
  core.instance = core.random.next();
  core.table.add({.id = options.id,
                  .address = std::move(options.address),
                  .incarnation = options.incarnation,
                  .state = MemberState::alive,
                  .meta = std::move(options.meta),
                  .epoch = options.epoch,
                  .since = now});
  return core;
}

}  // namespace

Gossip::Parts::Parts(Instant now, Options options, const PacketSeal& seal, Random seeded)
    : core(make_core(now, std::move(options), seal, seeded)),
      claims(core),
      sender(core),
      detector(now, core, claims, sender),
      joiner(now, core),
      next_gossip(now + Duration(core.random.below(
                            static_cast<std::uint64_t>(core.settings.gossip_interval.count())))),
      next_reconnect(now + core.settings.reconnect_interval) {}

/// Every call begins here. One that comes long after the wake-up we asked for means that this
/// process stood still, while answers piled up unread.
void Gossip::Parts::enter(Instant now) {
  if (promised == Instant::max() || now - promised <= core.settings.stall_slack) return;
  ++core.counters.stalls;
  core.health.add(1);
  claims.forgive(now, now - promised);
  detector.start_over(now);
  next_gossip = std::max(next_gossip, now);
  promised = now;
}

void Gossip::Parts::finish(Instant now, Outbox& out) {
  detector.ask_newcomers(now, out);
  const Instant next = std::min({detector.next_due(), claims.next_deadline(), joiner.next_due(),
                                 next_gossip, next_reconnect});
  promised = std::max(next, now);
  out.wake = promised;
}

void Gossip::Parts::gossip_tick(Instant now, Outbox& out) {
  next_gossip = now + core.settings.gossip_interval;
  if (!core.leaving) detector.ask_suspects(now, out);
  if (core.rumours.empty()) return;
  const auto readers =
      core.table.pick(core.random, core.settings.gossip_fanout, [&](const Member& member) {
        if (member.id == core.self_id) return false;
        return is_living(member) || (member.state == MemberState::dead &&
                                     now - member.since < core.settings.gossip_to_the_dead);
      });
  for (const Member* reader : readers) sender.send_rumours(*reader, out);
}

void Gossip::Parts::reconnect_tick(Instant now, Outbox& out) {
  next_reconnect = now + core.settings.reconnect_interval;
  claims.forget(now, out);
  detector.ask_a_dead(now, out);
}

void Gossip::Parts::start_exchanges(Instant now, Outbox& out) {
  const auto partners = joiner.due(now);
  if (core.leaving) return;
  for (const Address& to : partners) {
    ++core.counters.exchanges_out;
    out.exchanges.push_back(
        {.to = to, .request = sender.table(now, EnvelopeKind::exchange_request)});
  }
}

Gossip::Gossip(Instant now, Options options, const PacketSeal& seal, Random random)
    : parts_(std::make_unique<Parts>(now, std::move(options), seal, random)) {}

Gossip::~Gossip() = default;

void Gossip::join(Instant now, const std::vector<Address>& seeds, Outbox& out) {
  parts_->enter(now);
  parts_->joiner.add_seeds(now, seeds);
  parts_->start_exchanges(now, out);
  parts_->finish(now, out);
}

void Gossip::leave(Instant now, Outbox& out) {
  parts_->enter(now);
  Core& core = parts_->core;
  if (!core.leaving) {
    core.leaving = true;
    core.table.set_state(core.self(), MemberState::left, now);
    parts_->claims.announce_self();
    parts_->gossip_tick(now, out);
  }
  parts_->finish(now, out);
}

bool Gossip::may_stop() const {
  const Core& core = parts_->core;
  return core.leaving && (core.table.living() == 0 || !core.rumours.contains(core.self_id));
}

void Gossip::on_timer(Instant now, Outbox& out) {
  parts_->enter(now);
  // Detector before deadlines: an accusation of our own may be the confirmation that counts.
  parts_->detector.on_timer(now, out);
  parts_->claims.give_up(now, out);
  if (parts_->next_gossip <= now) parts_->gossip_tick(now, out);
  if (parts_->next_reconnect <= now) parts_->reconnect_tick(now, out);
  parts_->start_exchanges(now, out);
  parts_->finish(now, out);
}

void Gossip::on_stream_failed(Instant now, const Address& to, Outbox& out) {
  parts_->enter(now);
  ++parts_->core.counters.exchanges_failed;
  parts_->joiner.on_failed(now, to);
  parts_->finish(now, out);
}

void Gossip::set_local_meta(Instant now, Bytes meta, Outbox& out) {
  check(meta.size() <= limits::gossip_meta_bytes, "our own meta is within its limit");
  parts_->enter(now);
  Member& self = parts_->core.self();
  if (self.meta != meta && !parts_->core.leaving) {
    self.meta = std::move(meta);
    ++self.incarnation;
    parts_->claims.announce_self();
  }
  parts_->finish(now, out);
}

void Gossip::set_epoch(const EpochMark& epoch) {
  parts_->core.epoch = epoch;
  parts_->core.self().epoch = epoch;
}

void Gossip::set_cluster_id(std::uint64_t id_hash) {
  parts_->core.cluster.id_hash = id_hash;
}

const Member& Gossip::self() const {
  return parts_->core.self();
}

const Member* Gossip::find(const NodeId& id) const {
  return parts_->core.table.find(id);
}

std::vector<const Member*> Gossip::members() const {
  std::vector<const Member*> out;
  for (const auto& [id, member] : parts_->core.table.all()) out.push_back(&member);
  return out;
}

std::size_t Gossip::living() const {
  return parts_->core.table.living();
}

std::uint32_t Gossip::local_health_multiplier() const {
  return parts_->core.health.multiplier();
}

const PeerClocks& Gossip::clocks() const {
  return parts_->core.clocks;
}

const Counters& Gossip::counters() const {
  return parts_->core.counters;
}

}  // namespace coterie::gossip
