#include "gossip/claims.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace coterie::gossip {

namespace {

constexpr std::size_t stale_most = 4;       // corrected in one answer
constexpr std::size_t conflicts_most = 64;  // reported; further ones are not

}  // namespace

AliveClaim alive_claim(const Member& member) {
  return {.id = member.id,
          .incarnation = member.incarnation,
          .address = member.address,
          .meta = member.meta};
}

Bytes encode_claim(const Core& core, const Member& member) {
  switch (member.state) {
    case MemberState::alive:
      break;
    case MemberState::suspect: {
      const auto suspicion = core.suspicions.find(member.id);
      if (suspicion == core.suspicions.end()) break;
      return encode_message(SuspectClaim{.id = member.id,
                                         .incarnation = member.incarnation,
                                         .accusers = suspicion->second.accusers()});
    }
    case MemberState::dead:
      return encode_message(DeadClaim{.id = member.id, .incarnation = member.incarnation});
    case MemberState::left:
      return encode_message(LeftClaim{.id = member.id, .incarnation = member.incarnation});
  }
  return encode_message(alive_claim(member));
}

void Claims::hear(Instant now, const AliveClaim& claim, Outbox& out) {
  if (claim.id == core_.self_id) return hear_of_self(claim, out);
  if (claim.address == core_.self().address) report_conflict(claim, out);
  Member* member = core_.table.find(claim.id);
  if (member == nullptr) return add(now, claim, out);
  if (claim.incarnation <= member->incarnation) return;

  const bool was_alive = member->state == MemberState::alive;
  const bool was_departed = !is_living(*member);
  const bool changed = member->address != claim.address || member->meta != claim.meta;
  member->incarnation = claim.incarnation;
  member->address = claim.address;
  member->meta = claim.meta;
  core_.suspicions.erase(claim.id);
  if (!was_alive) core_.table.set_state(*member, MemberState::alive, now);
  if (was_departed) {
    core_.round.insert(claim.id, core_.random);
    core_.newcomers.push_back(claim.id);
  }
  pass_on(*member);
  if (!was_alive) {
    report(out, EventKind::alive_again, *member);
  } else if (changed) {
    report(out, EventKind::updated, *member);
  }
}

void Claims::hear_of_self(const AliveClaim& claim, Outbox& out) {
  const Member& self = core_.self();
  if (claim.incarnation < self.incarnation || core_.leaving) return;
  const bool same = claim.address == self.address && claim.meta == self.meta;
  if (claim.incarnation == self.incarnation && same) return;
  // An earlier run of ours that counted further, or a copy of our data directory that runs
  // elsewhere; only the latter keeps coming, from another address.
  if (claim.address != self.address) report_conflict(claim, out);
  refute(claim.incarnation);
}

void Claims::add(Instant now, const AliveClaim& claim, Outbox& out) {
  if (core_.table.size() >= limits::gossip_members) {
    ++core_.counters.dropped_table_full;
    return;
  }
  const Member& member = core_.table.add({.id = claim.id,
                                          .address = claim.address,
                                          .incarnation = claim.incarnation,
                                          .state = MemberState::alive,
                                          .meta = claim.meta,
                                          .epoch = {},
                                          .since = now});
  core_.round.insert(claim.id, core_.random);
  core_.newcomers.push_back(claim.id);
  pass_on(member);
  report(out, EventKind::joined, member);
}

void Claims::hear(Instant now, const SuspectClaim& claim, Outbox& out) {
  if (answer_for_self(claim.id, claim.incarnation)) return;
  Member* member = core_.table.find(claim.id);
  if (member == nullptr) return;
  if (claim.incarnation < member->incarnation) return note_stale(claim.id);
  // Should it have come back at a higher incarnation, it says so itself.
  if (!is_living(*member)) return;

  const auto found = core_.suspicions.find(claim.id);
  if (found == core_.suspicions.end() || found->second.incarnation() < claim.incarnation) {
    return begin_suspicion(now, *member, claim, out);
  }
  bool news = false;
  for (const NodeId& accuser : claim.accusers) news |= found->second.accuse(accuser);
  if (news) pass_on(*member);
}

void Claims::begin_suspicion(Instant now, Member& member, const SuspectClaim& claim, Outbox& out) {
  const bool was_alive = member.state == MemberState::alive;
  member.incarnation = claim.incarnation;
  if (was_alive) core_.table.set_state(member, MemberState::suspect, now);
  Suspicion suspicion(now, claim.incarnation,
                      suspicion_terms(core_.settings, core_.table.living()));
  for (const NodeId& accuser : claim.accusers) suspicion.accuse(accuser);
  core_.suspicions.insert_or_assign(member.id, std::move(suspicion));
  ++core_.counters.suspicions;
  pass_on(member);
  if (was_alive) report(out, EventKind::suspect, member);
}

void Claims::hear(Instant now, const DeadClaim& claim, const NodeId& messenger, Outbox& out) {
  if (answer_for_self(claim.id, claim.incarnation)) return;
  Member* member = core_.table.find(claim.id);
  if (member == nullptr) return;
  if (claim.incarnation < member->incarnation) return note_stale(claim.id);
  if (!is_living(*member)) return;
  if (member->state == MemberState::alive) {
    return hear(
        now,
        SuspectClaim{.id = claim.id, .incarnation = claim.incarnation, .accusers = {messenger}},
        out);
  }
  member->incarnation = claim.incarnation;
  core_.suspicions.erase(claim.id);
  core_.table.set_state(*member, MemberState::dead, now);
  pass_on(*member);
  report(out, EventKind::dead, *member);
}

void Claims::hear(Instant now, const LeftClaim& claim, Outbox& out) {
  if (answer_for_self(claim.id, claim.incarnation)) return;
  Member* member = core_.table.find(claim.id);
  if (member == nullptr || claim.incarnation < member->incarnation) return;
  if (member->state == MemberState::left) return;
  member->incarnation = claim.incarnation;
  core_.suspicions.erase(claim.id);
  core_.table.set_state(*member, MemberState::left, now);
  pass_on(*member);
  report(out, EventKind::left, *member);
}

void Claims::merge(Instant now, const TableEntry& entry, const NodeId& sender, Outbox& out) {
  const AliveClaim& member = entry.member;
  const bool unknown = core_.table.find(member.id) == nullptr;
  if (unknown && (entry.state == MemberState::dead || entry.state == MemberState::left)) {
    return add_departed(now, entry, out);
  }
  // An accusation says nothing of address and meta; the entry does.
  hear(now, member, out);
  switch (entry.state) {
    case MemberState::alive:
      break;
    case MemberState::suspect:
    case MemberState::dead:
      hear(now,
           SuspectClaim{.id = member.id, .incarnation = member.incarnation, .accusers = {sender}},
           out);
      break;
    case MemberState::left:
      hear(now, LeftClaim{.id = member.id, .incarnation = member.incarnation}, out);
      break;
  }
}

void Claims::add_departed(Instant now, const TableEntry& entry, Outbox& out) {
  const Duration age = std::chrono::seconds(entry.age_s);
  if (entry.member.id == core_.self_id || age >= core_.settings.forget_after) return;
  if (core_.table.size() >= limits::gossip_members) {
    ++core_.counters.dropped_table_full;
    return;
  }
  const Member& member = core_.table.add({.id = entry.member.id,
                                          .address = entry.member.address,
                                          .incarnation = entry.member.incarnation,
                                          .state = entry.state,
                                          .meta = entry.member.meta,
                                          .epoch = {},
                                          .since = now - age});
  report(out, entry.state == MemberState::dead ? EventKind::dead : EventKind::left, member);
}

void Claims::accuse(Instant now, const NodeId& target, Outbox& out) {
  const Member* member = core_.table.find(target);
  if (member == nullptr || !is_living(*member)) return;
  hear(now,
       SuspectClaim{.id = target, .incarnation = member->incarnation, .accusers = {core_.self_id}},
       out);
}

void Claims::give_up(Instant now, Outbox& out) {
  std::vector<NodeId> over;
  for (const auto& [id, suspicion] : core_.suspicions) {
    if (suspicion.deadline() <= now) over.push_back(id);
  }
  for (const NodeId& id : over) {
    ++core_.counters.deaths_declared;
    hear(now, DeadClaim{.id = id, .incarnation = core_.table.find(id)->incarnation}, core_.self_id,
         out);
  }
}

Instant Claims::next_deadline() const {
  Instant next = Instant::max();
  for (const auto& [id, suspicion] : core_.suspicions) {
    next = std::min(next, suspicion.deadline());
  }
  return next;
}

void Claims::forgive(Instant now, Duration stalled) {
  for (auto& [id, suspicion] : core_.suspicions) {
    suspicion.skip(stalled);
    suspicion.grant(now, core_.settings.last_words);
  }
}

void Claims::forget(Instant now, Outbox& out) {
  std::vector<NodeId> old;
  for (const auto& [id, member] : core_.table.all()) {
    if (id == core_.self_id || is_living(member)) continue;
    if (now - member.since >= core_.settings.forget_after) old.push_back(id);
  }
  for (const NodeId& id : old) {
    report(out, EventKind::forgotten, *core_.table.find(id));
    core_.rumours.remove(id);
    core_.clocks.forget(id);
    core_.table.remove(id);
  }
}

void Claims::announce_self() {
  pass_on(core_.self());
}

std::vector<NodeId> Claims::take_stale() {
  return std::exchange(stale_, {});
}

bool Claims::answer_for_self(const NodeId& id, std::uint64_t incarnation) {
  if (id != core_.self_id) return false;
  if (core_.leaving) return true;
  if (incarnation < core_.self().incarnation) {
    note_stale(id);
  } else {
    core_.health.add(1);
    refute(incarnation);
  }
  return true;
}

void Claims::refute(std::uint64_t incarnation) {
  // Nobody counts this far; a claim that does is a lie and shall not push us over the end.
  if (incarnation + 1 >= incarnation_end) return;
  core_.self().incarnation = incarnation + 1;
  ++core_.counters.refutations;
  announce_self();
}

void Claims::note_stale(const NodeId& id) {
  const Member* member = core_.table.find(id);
  if (member->state != MemberState::alive || stale_.size() >= stale_most) return;
  if (std::find(stale_.begin(), stale_.end(), id) == stale_.end()) stale_.push_back(id);
}

void Claims::pass_on(const Member& member) {
  core_.rumours.add(member.id, encode_claim(core_, member));
}

void Claims::report_conflict(const AliveClaim& claim, Outbox& out) {
  if (conflicts_.size() >= conflicts_most) return;
  if (std::find(conflicts_.begin(), conflicts_.end(), claim.id) != conflicts_.end()) return;
  conflicts_.push_back(claim.id);
  report(out, EventKind::conflict,
         {.id = claim.id,
          .address = claim.address,
          .incarnation = claim.incarnation,
          .state = MemberState::alive,
          .meta = claim.meta});
}

}  // namespace coterie::gossip
