#include <algorithm>
#include <array>

#include "node/coordinator/gets.h"

namespace coterie::coordinator {

/// Differing answers were read before and after a purge: merged they could bring back what was
/// deleted.
bool Gets::mixes_purges(const Operation& operation) const {
  bool differs = false;
  bool is_old = false;
  for (std::size_t owner = 0; owner < operation.owners.total; ++owner) {
    const Answer& answer = operation.answers[owner];
    if (answer.read != Read::answered || !answer.is_settled) continue;
    differs = differs || answer.digest != operation.digest;
    is_old = is_old || answer.generation < operation.purged;
  }
  return differs && is_old;
}

/// Reads again, as an operation of its own, so that late answers to what was asked before do not
/// count. All owners had reached the purge's generation before it was applied anywhere: an owner
/// that still shows a lower one has been restored from an old state, and is left out.
void Gets::restart(std::uint64_t id, Operation& operation, const Now& now) {
  if (operation.restarts >= limits::restarts_a_read) {
    return fail(id, operation, ErrorCode::unavailable, "purges come in between again and again");
  }
  const std::optional<std::uint64_t> next = operations_.take(parts_.options.operations);
  if (!next) return fail(id, operation, ErrorCode::overloaded, "too many reads are in progress");
  ++parts_.counters.resends;
  Operation& again = *operations_.find(*next);
  again.configuration = operation.configuration;
  again.purged = operation.purged;
  again.owners = operation.owners;
  again.order = operation.order;
  again.quorum = operation.quorum;
  again.restarts = static_cast<std::uint8_t>(operation.restarts + 1);
  for (std::size_t owner = 0; owner < operation.owners.total; ++owner) {
    const Answer& answer = operation.answers[owner];
    if (operation.restarts == 0 || answer.read != Read::answered) continue;
    if (answer.generation >= operation.purged) continue;
    again.answers[owner].read = Read::failed;
    if (owner == operation.owners.self) {
      parts_.local.heard_of_purge(operation.partition, operation.purged);
    }
  }
  begin_anew(id, operation, *next, now);
}

/// An owner has fenced a later configuration: reads again under it, if this node knows one. False:
/// it does not.
bool Gets::move_on(std::uint64_t id, Operation& operation, const Now& now) {
  const Placement placement =
      parts_.outbox.placement(operation.partition, operation.is_sloppy, false);
  if (placement.configuration <= operation.configuration) return false;
  ++parts_.counters.resends;
  const Owners owners = owners_of(placement, parts_.self);
  const std::optional<std::uint64_t> next = operations_.take(parts_.options.operations);
  if (!next) {
    fail(id, operation, ErrorCode::overloaded, "too many reads are in progress");
    return true;
  }
  Operation& again = *operations_.find(*next);
  again.configuration = placement.configuration;
  again.owners = owners;
  again.order = read_order(placement, owners, parts_.load);
  again.quorum = owners.of_read(operation.r);
  begin_anew(id, operation, *next, now);
  return true;
}

/// The read goes on as `next`, in which what differs is set already.
void Gets::begin_anew(std::uint64_t id, Operation& operation, std::uint64_t next, const Now& now) {
  Operation& again = *operations_.find(next);
  again.key = operation.key;
  again.client = operation.client;
  again.deadline = operation.deadline;
  again.partition = operation.partition;
  again.r = operation.r;
  again.w = operation.w;
  again.resolver = operation.resolver;
  again.durability = operation.durability;
  again.is_sloppy = operation.is_sloppy;
  again.is_weak = operation.is_weak;
  again.wants_evidence = operation.wants_evidence;
  release(id, operation);
  parts_.timers.add(again.deadline,
                    make_tag({.operation = next, .kind = Kind::get, .purpose = Purpose::deadline}));
  add_hedge_timer(next, again, now);
  advance(next, again, now);
}

/// R answers are settled: what they hold together is the result.
void Gets::begin_repair(std::uint64_t id, Operation& operation, const Now& now) {
  if (mixes_purges(operation)) return restart(id, operation, now);
  operation.is_repairing = true;
  for (std::uint8_t owner = 0; owner < operation.owners.total; ++owner) {
    const Answer& answer = operation.answers[owner];
    if (answer.read != Read::answered || !answer.is_settled) continue;
    if (answer.digest != operation.digest) operation.differed = true;
    if (!operation.holds_result(owner)) repair(id, operation, owner);
  }
  if (operation.differed) {
    ++parts_.counters.mismatches;
    add_hedge_timer(id, operation, now);
  }
  advance_repair(id, operation, now);
}

/// Answers once R owners hold the result, or as many as can be made to: the R that were read make
/// the answer fresh in any case; the repair only keeps a later read from going back behind it.
void Gets::advance_repair(std::uint64_t id, Operation& operation, const Now& now) {
  for (;;) {
    transition::Places holders = 0;
    transition::Places hoped_for = 0;
    transition::Places bit = 1;
    for (std::size_t owner = 0; owner < operation.owners.total; ++owner, bit <<= 1) {
      if (operation.holds_result(owner)) holders |= bit;
      if (operation.answers[owner].repair == Repair::sent) hoped_for |= bit;
    }
    if (operation.quorum.is_reached(holders)) return answer(id, operation, now);
    // an owner that was to be repaired has purged since
    if (operation.generation < operation.purged && operation.differed) {
      return restart(id, operation, now);
    }
    if (operation.quorum.is_reached(holders | hoped_for)) return;
    if (repair_another(id, operation)) continue;
    if (hoped_for == 0) return answer(id, operation, now);
    return;
  }
}

/// Lets a further owner hold the result in the place of one that does not take it.
bool Gets::repair_another(std::uint64_t id, Operation& operation) {
  if (operation.record.empty()) return false;
  for (std::size_t i = 0; i < operation.owners.readable; ++i) {
    const std::uint8_t owner = operation.order[i];
    if (operation.owners.is_fallback(owner)) break;
    const Answer& answer = operation.answers[owner];
    if (answer.repair != Repair::none || answer.read == Read::failed) continue;
    if (operation.holds_result(owner)) continue;
    repair(id, operation, owner);
    return true;
  }
  return false;
}

/// Whether those who answered hold together all that any other owner may have held of what W
/// acknowledged. Fewer, as a weak read asks, would give a damaged copy a record for a whole one
/// that lacks an acknowledged write, and the next read of R might then not meet it.
bool Gets::may_replace_damaged(const Operation& operation) {
  std::size_t answered = 0;
  for (std::size_t owner = 0; owner < operation.owners.count; ++owner) {
    const Answer& answer = operation.answers[owner];
    if (answer.read == Read::answered && answer.is_settled) ++answered;
  }
  return answered + operation.w > operation.owners.replicas;
}

void Gets::repair(std::uint64_t id, Operation& operation, std::uint8_t owner) {
  ++parts_.counters.repairs;
  Answer& answer = operation.answers[owner];
  const bool may_replace = may_replace_damaged(operation);
  if (owner == operation.owners.self && !may_replace && answer.read != Read::answered) {
    answer.repair = Repair::failed;
    return;
  }
  const wire::ReplicaScope scope{.partition = operation.partition,
                                 .configuration = operation.configuration,
                                 .generation = operation.generation};
  const Tag tag =
      make_tag({.operation = id, .kind = Kind::get, .purpose = Purpose::repair, .owner = owner});
  if (owner == operation.owners.self) {
    const Result<LocalMerged> merged =
        parts_.local.merge(scope, operation.key, operation.record, operation.resolver, tag);
    answer.repair = !merged ? Repair::failed : merged->is_durable ? Repair::done : Repair::sent;
    return;
  }
  const Target target{.node = operation.owners.nodes[owner], .tag = tag};
  const std::uint32_t refused =
      parts_.outbox.send({&target, 1},
                         wire::ReplicaWrite{.scope = scope,
                                            .key = operation.key,
                                            .record = operation.record,
                                            .durability = operation.durability == Durability::commit
                                                              ? wire::Durability::commit
                                                              : wire::Durability::interval,
                                            .is_repair = may_replace},
                         operation.deadline);
  answer.repair = refused == 0 ? Repair::sent : Repair::failed;
  if (refused != 0 || answer.is_counted) return;
  answer.is_counted = true;
  parts_.load.sent(target.node);
}

/// After the answer: owners that were not asked, of both groups, where those asked differed, and
/// those that said that they may lack data. Nobody waits for them.
void Gets::repair_rest(std::uint64_t id, Operation& operation) {
  if (operation.record.empty()) return;
  for (std::uint8_t owner = 0; owner < operation.owners.count; ++owner) {
    const Answer& answer = operation.answers[owner];
    if (answer.repair != Repair::none || operation.holds_result(owner)) continue;
    const bool is_asked_for = answer.may_be_bare || answer.read == Read::answered ||
                              (operation.differed && answer.read != Read::failed);
    if (is_asked_for) repair(id, operation, owner);
  }
}

}  // namespace coterie::coordinator
