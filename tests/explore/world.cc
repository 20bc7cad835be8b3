#include "tests/explore/world.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/check.h"
#include "node/replica/merge.h"
#include "node/replica/mint.h"
#include "storage/versions.h"
#include "tests/explore/world_key.h"

namespace coterie::explore {
namespace {

constexpr std::uint8_t no_op = ops_most;

std::uint8_t narrow(Generation generation) {
  return static_cast<std::uint8_t>(generation.value);
}

ActorId actor_of(std::size_t owner, std::uint8_t drawn) {
  return ActorId{(owner + 1) * 256 + drawn};
}

}  // namespace

World::World(const Scope& scope, Records& records) : scope_(&scope), records_(&records) {
  for (std::size_t owner = 0; owner < owners; ++owner) {
    owners_.push_back({.copy = replica::PartitionCopy(partition, actor_of(owner, 0),
                                                      ConfigurationNumber{1}, Generation{0})});
  }
  for (std::size_t round = 0; round < scope.rounds; ++round) {
    rounds_[round].state = std::make_shared<const transfer::PurgeRound>(owners);
    take_questions(round);
  }
}

wire::ReplicaScope World::scope_of(std::uint8_t generation) const {
  return {.partition = partition,
          .configuration = ConfigurationNumber{1},
          .generation = Generation{generation}};
}

bool World::may_read(std::size_t owner) const {
  return replica::check_scope(&owners_[owner].copy, scope_of(0), replica::Use::read).has_value();
}

void World::send(const Message& message) {
  flight_.insert(std::ranges::lower_bound(flight_, message), message);
}

void World::perform(const Action& action) {
  const bool takes_message = action.act == Act::deliver;
  if (takes_message) flight_.erase(std::ranges::lower_bound(flight_, action.message));
  switch (action.act) {
    case Act::put:
    case Act::put_seen:
      return mint(action.owner, false, action.act == Act::put_seen);
    case Act::remove:
    case Act::remove_seen:
      return mint(action.owner, true, action.act == Act::remove_seen);
    case Act::begin_read:
      return begin_read(action.owner);
    case Act::end_read:
      return end_read(action.owner);
    case Act::deliver_doubled:
      ++doubled_;
      [[fallthrough]];
    case Act::deliver:
      if (action.message.kind == Message::Kind::write) return take_write(action.message);
      if (action.message.kind == Message::Kind::answer) return take_answer(action.message);
      return answer_question(action.message);
    case Act::time_out: {
      ++timeouts_;
      Message failed = action.message;
      failed.kind = Message::Kind::answer;
      failed.has_failed = true;
      return take_answer(failed);
    }
    case Act::snapshot:
      return take_snapshot();
    case Act::restore:
      return start_again(false);
    case Act::wipe:
      return start_again(true);
    case Act::refill:
      return refill();
  }
}

/// A client's put or delete, coordinated by an owner.
void World::mint(std::size_t at, bool is_delete, bool has_seen) {
  Owner& owner = owners_[at];
  const auto number = static_cast<std::uint8_t>(ops_.size());
  const Bytes value(1, static_cast<char>('a' + number));
  const Bytes local = records_->bytes(owner.record);
  HybridClock clock;
  const auto minted = replica::mint(
      owner.copy, clock, key(), owner.record == 0 ? std::nullopt : std::optional<BytesView>(local),
      {.context = has_seen ? BytesView(records_->bytes(context_)) : BytesView{},
       .value = value,
       .is_delete = is_delete,
       .now = wall_now});
  ++owner.minted;
  if (!minted) return;  // the client's context names the new dot: the actor had been used before
  Op op{.dot = minted->dot,
        .owner = static_cast<std::uint8_t>(at),
        .run = owner.runs,
        .seen = has_seen ? context_known_ : Ops{0},
        .is_delete = is_delete};
  ops_.push_back(op);
  owner.record = records_->id_of(minted->record);
  owner.known = static_cast<Ops>(owner.known | (1U << number));
  const auto given = decode_context(key(), minted->context);
  const auto after = decode_record(key(), minted->record);
  check(given && after, "what was encoded decodes");
  context_known_ = given->seen == after->context ? owner.known : op.seen;
  context_ = records_->id_of(minted->context);
  count_holder(number, at);
  for (std::size_t other = 0; other < owners; ++other) {
    if (other == at) continue;
    send({.owner = static_cast<std::uint8_t>(other),
          .op = number,
          .generation = narrow(owner.copy.generation()),
          .known = owner.known,
          .record = owner.record});
  }
}

void World::count_holder(std::size_t op, std::size_t owner) {
  Op& counted = ops_[op];
  // A coordinator that has ended answers nobody.
  if (owners_[counted.owner].runs != counted.run) return;
  counted.holders = static_cast<std::uint8_t>(counted.holders | (1U << owner));
  const auto holders = static_cast<std::size_t>(std::popcount(counted.holders));
  if (holders >= quorum) counted.is_acknowledged = true;
}

World::Answer World::answer_of(std::size_t owner) const {
  const Owner& from = owners_[owner];
  return {.is_given = true,
          .owner = static_cast<std::uint8_t>(owner),
          .generation = narrow(from.copy.generation()),
          .purged = narrow(from.copy.purged()),
          .known = from.known,
          .record = from.record};
}

void World::begin_read(std::size_t owner) {
  ++reads_;
  read_ = answer_of(owner);
}

/// As node/coordinator/gets*.cc: differing answers from both sides of a purge are not merged.
void World::end_read(std::size_t owner) {
  const Answer first = read_;
  const Answer second = answer_of(owner);
  read_ = {};
  const bool differs = first.record != second.record;
  const auto purged = std::max(first.purged, second.purged);
  const auto generation = std::min(first.generation, second.generation);
  if (differs && generation < purged) return;
  const Records::Id merged = merged_of(*records_, first.record, second.record);
  if (merged == 0) return;
  const auto record = decode_record(key(), records_->bytes(merged));
  check(record.has_value(), "what was encoded decodes");
  context_ = records_->id_of(
      encode_context(key(), {.seen = record->context, .greatest = greatest_timestamp(*record)}));
  context_known_ = first.known | second.known;
  for (const Answer& answer : {first, second}) {
    if (answer.record == merged) continue;
    send({.owner = answer.owner,
          .op = no_op,
          .generation = generation,
          .known = context_known_,
          .record = merged});
  }
}

/// As LocalCopies::write.
void World::take_write(const Message& message) {
  Owner& owner = owners_[message.owner];
  const auto scope = scope_of(message.generation);
  const auto checked = replica::check_scope(&owner.copy, scope, replica::Use::write);
  if (!checked && !replica::may_keep(owner.copy, scope)) {
    if (message.op != no_op && checked.error().generation != 0) {
      send_current(message, static_cast<std::uint8_t>(checked.error().generation));
    }
    return;
  }
  store(owner, message.record, message.known, message.op == no_op);
  if (checked && message.op != no_op) count_holder(message.op, message.owner);
}

void World::store(Owner& owner, Records::Id incoming, Ops known, bool is_repair) {
  const Bytes& local = records_->bytes(owner.record);
  const auto merged = replica::merge(
      owner.copy, key(), owner.record == 0 ? std::nullopt : std::optional<BytesView>(local),
      records_->bytes(incoming), {.replaces_damaged = is_repair});
  check(merged.has_value(), "undamaged records merge");
  if (merged->forgot_own_dot) redraw(owner);
  if (merged->outcome == replica::MergeOutcome::take_incoming) owner.record = incoming;
  if (merged->outcome == replica::MergeOutcome::take_merged) {
    owner.record = records_->id_of(merged->record);
  }
  owner.known = owner.known | known;
}

/// As Puts::send_current, once for each owner that refuses.
void World::send_current(const Message& refused, std::uint8_t purged) {
  Op& op = ops_[refused.op];
  Owner& owner = owners_[op.owner];
  const auto bit = static_cast<std::uint8_t>(1U << refused.owner);
  if (owner.runs != op.run || (op.sent_again & bit) != 0) return;
  op.sent_again = op.sent_again | bit;
  if (!may_read(op.owner)) return;
  if (owner.copy.generation() < Generation{purged}) {
    return heard_of_purge(op.owner, Generation{purged});
  }
  if (owner.record == 0) return;
  const auto record = decode_record(key(), records_->bytes(owner.record));
  if (!record || !record->context.covers(op.dot)) return;
  send({.owner = refused.owner,
        .op = refused.op,
        .generation = narrow(owner.copy.generation()),
        .known = owner.known,
        .record = owner.record});
}

void World::redraw(Owner& owner) {
  const auto at = static_cast<std::size_t>(&owner - owners_.data());
  owner.copy.redraw(actor_of(at, ++owner.drawn));
  owner.minted = 0;
}

/// As LocalCopies::heard_of_purge.
void World::heard_of_purge(std::size_t at, Generation purged) {
  Owner& owner = owners_[at];
  if (owner.copy.generation() >= purged) return;
  if (owner.runs == 0) was_one_behind_ = true;
  owner.copy.set_state(replica::CopyState::unsure);
  owner.copy.raise_purged(purged);
  redraw(owner);
  owner.record = 0;
  owner.known = 0;
  owner.is_lacking = true;
}

void World::take_snapshot() {
  const Owner& owner = owners_[restored_owner];
  snapshot_ = {.record = owner.record,
               .known = owner.known,
               .generation = narrow(owner.copy.generation()),
               .purged = narrow(owner.copy.purged()),
               .is_taken = true};
}

/// A new process over nothing, or over what was there once.
void World::start_again(bool is_wiped) {
  ++(is_wiped ? wipes_ : restores_);
  Owner& owner = owners_[restored_owner];
  const Snapshot from = is_wiped ? Snapshot{} : snapshot_;
#ifndef COTERIE_PLANT_KEPT_ACTOR  // defined only where a test must see it
  ++owner.drawn;
#endif
  owner.copy =
      replica::PartitionCopy(partition, actor_of(restored_owner, owner.drawn),
                             ConfigurationNumber{1}, Generation{from.generation},
                             is_wiped ? replica::CopyState::unsure : replica::CopyState::full);
  owner.copy.raise_purged(Generation{from.purged});
  owner.record = from.record;
  owner.known = from.known;
  owner.minted = 0;
  ++owner.runs;
  owner.is_lacking = true;
}

/// The copy is brought what all others hold.
void World::refill() {
  Owner& owner = owners_[restored_owner];
  for (std::size_t other = 0; other < owners; ++other) {
    if (other != restored_owner) heard_of_purge(restored_owner, owners_[other].copy.purged());
  }
  for (std::size_t other = 0; other < owners; ++other) {
    if (other == restored_owner || owners_[other].record == 0) continue;
    store(owner, owners_[other].record, owners_[other].known, true);
  }
  owner.copy.set_state(replica::CopyState::full);
  owner.is_lacking = false;
}

}  // namespace coterie::explore
