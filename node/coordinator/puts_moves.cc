// Puts that an owner refuses for their configuration: they wait for the ring, and go on under it.

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
    if (operation.stale != 0 && !operation.is_answered) (void)move_on(id, operation, now);
  });
}

/// Goes on under a later configuration, if this node knows one: an operation of its own, so that
/// votes under the earlier one do not count to it. What is sent is the record that reflects the
/// dot, never a newly minted one. False: it does not.
bool Puts::move_on(std::uint64_t id, Operation& operation, const Now& now) {
  const Placement placement =
      parts_.outbox.placement(operation.partition, operation.is_sloppy, true);
  if (placement.configuration <= operation.configuration) return false;
  ++parts_.counters.resends;
  const Owners owners = owners_of(placement, parts_.self);
  const std::optional<std::uint64_t> next =
      owners.self == owners.total ? std::nullopt : operations_.take(parts_.options.operations);
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
  const Result<LocalRead> local = parts_.local.read(
      {.partition = again.partition, .configuration = again.configuration}, again.key,
      again.durability, make_tag({.operation = *next, .kind = Kind::put, .owner = owners.self}));
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
