// Puts that an owner refuses for their configuration: they wait for the ring, and go on under it.

#include <algorithm>
#include <utility>

#include "node/coordinator/puts.h"
#include "storage/versions.h"

namespace coterie::coordinator {

/// Whether the refusal is none: its sender has fenced a later configuration than the put's. The
/// put goes on under that, at once if it is known here, else when it is.
bool Puts::wait_for_ring(const TagParts& tag, Operation& operation, const Error& error,
                         const Now& now) {
  const bool is_stale = error.code == ErrorCode::stale_configuration && error.generation == 0;
  if (!is_stale || operation.is_answered) return false;
  operation.stale |= transition::Places{1} << tag.owner;
  if (!move_on(tag.operation, operation, now)) {
    parts_.outbox.seek_epoch(operation.owners.nodes[tag.owner], error.epoch);
  }
  return true;
}

void Puts::on_ring(const Now& now) {
  operations_.for_each([&](std::uint64_t id) {
    Operation& operation = *operations_.find(id);
    if (operation.is_answered) return;
    // What is left of a copy that others own now is there for a moment only.
    if (operation.stale != 0 || has_left(operation)) (void)move_on(id, operation, now);
  });
}

/// It was begun as an owner, and this node is none any more.
bool Puts::has_left(const Operation& operation) const {
  if (operation.owners.self >= operation.owners.count) return false;
  const Placement placement = parts_.outbox.placement(operation.partition, false, true);
  return std::ranges::find(placement.owners, parts_.self, &Owner::node) == placement.owners.end();
}

/// Goes on under a later configuration, if this node knows one: an operation of its own, so that
/// votes under the earlier one do not count to it. What is sent is the record that reflects the
/// dot, never a newly minted one. False: it does not.
bool Puts::move_on(std::uint64_t id, Operation& operation, const Now& now) {
  const Placement placement =
      parts_.outbox.placement(operation.partition, operation.is_sloppy, true);
  if (placement.configuration <= operation.configuration) return false;
  ++parts_.counters.resends;
  Owners owners = owners_of(placement, parts_.self);
  const bool was_fallback = operation.owners.is_self_fallback();
  const bool has_left = owners.self >= owners.count && !was_fallback;
  if (has_left) {
    // No fallback, where it would be one: its hints do not hold what it minted as an owner.
    owners.total = owners.count;
    owners.self = owners.total;
  }
  const bool may_go_on = has_left || owners.has_self();
  const std::optional<std::uint64_t> next =
      may_go_on ? operations_.take(parts_.options.operations) : std::nullopt;
  if (!next) {
    give_up(operation, "the owners of its partition changed while it was under way");
    drop(id, operation);
    return true;
  }
  Operation& again = *operations_.find(*next);
  again.key = operation.key;
  again.context = std::move(operation.context);
  again.clients = std::move(operation.clients);
  again.deadline = operation.deadline;
  again.request = operation.request;
  again.partition = operation.partition;
  again.configuration = placement.configuration;
  again.dot = operation.dot;
  again.w = operation.w;
  again.owners_needed = operation.owners_needed;
  again.durability = operation.durability;
  again.siblings = operation.siblings;
  again.is_sloppy = operation.is_sloppy;
  again.is_weak = operation.is_weak;
  again.wants_evidence = operation.wants_evidence;
  again.place(owners);
#ifdef COTERIE_PLANT_CARRIED_VOTES  // defined only where a test must see it
  again.yes = operation.yes;
#endif
  if (RequestMemory::Entry* entry = memory_.find(again.request, Instant::min());
      entry != nullptr && entry->operation == id) {
    entry->operation = *next;
  }
  drop(id, operation);
  const Result<LocalRead> local =
      has_left ? parts_.local.read_left(again.partition, again.key)
               : parts_.local.read(
                     {.partition = again.partition, .configuration = again.configuration},
                     again.key, again.durability,
                     make_tag({.operation = *next, .kind = Kind::put, .owner = owners.self}));
  const Result<Record> record =
      local ? decode_record(again.key, local->record) : std::unexpected(local.error());
  if (!record || !record->context.covers(again.dot)) {
    give_up(again, record ? "this node has lost it" : record.error().message);
    finish(*next, again);
    return true;
  }
  replicate(
      *next,
      {.record = local->record, .generation = local->generation, .is_durable = local->is_durable},
      now);
  return true;
}

/// Nobody's answer to it is waited for any more, and nothing is said of it.
void Puts::drop(std::uint64_t id, Operation& operation) {
  for (std::size_t place = 0; place < operation.owners.total; ++place) {
    const bool is_waiting = operation.votes[place] == Vote::waiting;
    if (is_waiting && place != operation.owners.self) {
      parts_.load.settled(operation.owners.nodes[place]);
    }
  }
  recycle(operation.context);
  operations_.release(id);
}

}  // namespace coterie::coordinator
