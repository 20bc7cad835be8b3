#include "node/coordinator/gets.h"

#include <algorithm>
#include <string>

#include "node/coordinator/visible.h"
#include "storage/versions.h"

namespace coterie::coordinator {

namespace {

constexpr Duration hedge_delay_least = std::chrono::milliseconds(1);

Error request_error(ErrorCode code, std::string message, std::uint32_t retry_after_ms = 0) {
  return {.code = code, .message = std::move(message), .retry_after_ms = retry_after_ms};
}

}  // namespace

void Gets::Operation::reset() {
  held_bytes = 0;
  digest = 0;
  generation = Generation{UINT64_MAX};
  purged = Generation{0};
  restarts = 0;
  // no others were ever set
  std::fill_n(answers.begin(), owners.total, Answer{});
  is_repairing = false;
  differed = false;
  is_hedged = false;
  is_stale = false;
  has_full = false;
  last_error.clear();
}

bool Gets::Operation::holds_result(std::size_t owner) const {
  const Answer& answer = answers[owner];
  // a fallback holds what it was given; it is no owner to be repaired
  if (owners.is_fallback(owner)) return answer.read == Read::answered && answer.is_settled;
  return answer.repair == Repair::done ||
         (answer.read == Read::answered && answer.is_settled && answer.digest == digest);
}

std::string Gets::Operation::too_few() const {
  return count_in_words(owners,
                        [this](std::size_t place) {
                          return answers[place].read != Read::idle &&
                                 answers[place].read != Read::failed;
                        }) +
         " answer, R=" + std::to_string(r) + ": " + last_error;
}

std::uint16_t Gets::Operation::stand_ins() const {
  transition::Places of_owners = 0;
  std::uint16_t of_fallbacks = 0;
  for (std::size_t place = 0; place < owners.total; ++place) {
    if (answers[place].read != Read::answered || !answers[place].is_settled) continue;
    if (owners.is_fallback(place)) {
      ++of_fallbacks;
    } else {
      of_owners |= transition::Places{1} << place;
    }
  }
  return quorum.is_reached(of_owners) ? std::uint16_t{0} : of_fallbacks;
}

void Gets::start(const Start& start, const Now& now) {
  ++parts_.counters.gets;
  const auto refuse = [&](const Error& error) {
    ++parts_.counters.failed;
    parts_.outbox.fail(start.client, error);
  };
  const Owners owners = owners_of(start.placement, parts_.self);
  if (owners.self == owners.total) {
    return refuse(
        request_error(ErrorCode::not_owner, "this node does not own the key; fetch the ring"));
  }
  const Result<std::uint32_t> r = resolve(start.get.r, start.bucket.r, owners.replicas);
  if (!r) return refuse(r.error());
  if (start.deadline <= now.time) {
    return refuse(request_error(ErrorCode::expired, "the deadline passed before the read began"));
  }
  const std::optional<std::uint64_t> id =
      parts_.is_full() ? std::nullopt : operations_.take(parts_.options.operations);
  if (!id) {
    return refuse(request_error(ErrorCode::overloaded, "too many reads are in progress",
                                unavailable_retry_ms));
  }
  Operation& operation = *operations_.find(*id);
  operation.key = start.key;
  operation.client = start.client;
  operation.deadline = start.deadline;
  operation.partition = start.placement.partition;
  operation.configuration = start.placement.configuration;
  operation.owners = owners;
  operation.order = read_order(start.placement, owners, parts_.load);
  operation.r = static_cast<std::uint8_t>(*r);
  operation.quorum = owners.of_read(*r);
  operation.is_sloppy = start.placement.is_sloppy;
  operation.w = static_cast<std::uint8_t>(start.bucket.lowest_w());
  operation.resolver = start.bucket.resolver;
  operation.durability = start.bucket.durability;
  operation.is_weak = *r < start.bucket.r;
  operation.wants_evidence = start.get.want_evidence;
  parts_.hedges.earn();
  advance(*id, operation, now);
  // most reads of one owner are over by now
  if (operations_.find(*id) == nullptr) return;
  parts_.timers.add(start.deadline,
                    make_tag({.operation = *id, .kind = Kind::get, .purpose = Purpose::deadline}));
  add_hedge_timer(*id, operation, now);
}

/// Goes on with a read as far as the answers allow. May end it.
void Gets::advance(std::uint64_t id, Operation& operation, const Now& now) {
  if (operation.is_repairing) return advance_repair(id, operation, now);
  for (;;) {
    fetch_unsettled(id, operation, now);
    transition::Places settled = 0;
    transition::Places hoped_for = 0;
    transition::Places bit = 1;
    for (std::size_t owner = 0; owner < operation.owners.total; ++owner, bit <<= 1) {
      const Answer& answer = operation.answers[owner];
      if (answer.read == Read::answered && answer.is_settled) settled |= bit;
      if (answer.read != Read::idle && answer.read != Read::failed) hoped_for |= bit;
    }
    if (operation.quorum.is_reached(settled)) return begin_repair(id, operation, now);
    if (operation.quorum.is_reached(hoped_for)) return;
    if (!ask_next(id, operation, now)) {
      return fail(id, operation, ErrorCode::unavailable, operation.too_few());
    }
  }
}

/// Asks for the record of each version that has been seen by its digest only, one owner a version.
void Gets::fetch_unsettled(std::uint64_t id, Operation& operation, const Now& now) {
  const auto asked_for = [&](std::uint64_t digest) {
    return std::any_of(operation.answers.begin(),
                       operation.answers.begin() + operation.owners.total, [&](const Answer& a) {
                         if (a.read != Read::full) return false;
                         // a first record is on its way, most likely of this very version
                         return a.digest == digest || (a.digest == 0 && !operation.is_hedged);
                       });
  };
  for (std::uint8_t owner = 0; owner < operation.owners.total; ++owner) {
    const Answer& answer = operation.answers[owner];
    if (answer.read != Read::answered || answer.is_settled || asked_for(answer.digest)) continue;
    ask(id, operation, owner, true, now);
  }
}

bool Gets::ask_next(std::uint64_t id, Operation& operation, const Now& now) {
  const auto begin = operation.answers.begin();
  const bool full_comes =
      operation.has_full || std::any_of(begin, begin + operation.owners.total,
                                        [](const Answer& a) { return a.read == Read::full; });
  for (std::size_t i = 0; i < operation.owners.readable; ++i) {
    const std::uint8_t owner = operation.order[i];
    if (operation.answers[owner].read != Read::idle) continue;
    if (operation.owners.is_fallback(owner)) ++parts_.counters.stood_in;
    ask(id, operation, owner, !full_comes, now);
    return true;
  }
  return false;
}

void Gets::ask(std::uint64_t id, Operation& operation, std::uint8_t owner, bool is_full,
               const Now& now) {
  if (owner == operation.owners.self) return read_local(id, operation);
  Answer& answer = operation.answers[owner];
  answer.read = is_full ? Read::full : Read::digest;
  answer.asked = now.time;
  const Target target{.node = operation.owners.nodes[owner],
                      .tag = make_tag({.operation = id,
                                       .kind = Kind::get,
                                       .purpose = is_full ? Purpose::full : Purpose::request,
                                       .owner = owner})};
  const std::uint32_t refused = parts_.outbox.send(
      {&target, 1},
      wire::ReplicaRead{
          .scope = {.partition = operation.partition, .configuration = operation.configuration},
          .key = operation.key,
          .digest_only = !is_full,
          .stands_in = operation.owners.is_fallback(owner)},
      operation.deadline);
  if (refused != 0) {
    return drop(operation, owner, request_error(ErrorCode::closed, "an owner cannot be reached"));
  }
  answer.is_counted = true;
  parts_.load.sent(target.node);
}

void Gets::read_local(std::uint64_t id, Operation& operation) {
  Answer& answer = operation.answers[operation.owners.self];
  Result<LocalRead> local = parts_.local.read(
      {.partition = operation.partition, .configuration = operation.configuration}, operation.key,
      std::nullopt, make_tag({.operation = id, .kind = Kind::get, .owner = operation.owners.self}));
  if (!local) return drop(operation, operation.owners.self, local.error());
  note_generations(operation, answer, local->generation, local->purged);
  if (operation.record.empty() && !local->record.empty()) {
    // verified by who read it
    operation.record = std::move(local->record);
    operation.digest = local->digest;
    settle(operation, answer, local->digest);
  } else {
    take_record(operation, answer, {.digest = local->digest, .record = local->record});
  }
  if (answer.read == Read::answered && !local->is_durable) answer.read = Read::durable;
}

void Gets::take_digest(Operation& operation, Answer& answer, std::uint64_t digest) {
  answer.read = Read::answered;
  answer.digest = digest;
  answer.is_settled = digest == 0 || digest == operation.digest ||
                      std::ranges::any_of(operation.answers, [&](const Answer& other) {
                        return other.is_settled && other.digest == digest;
                      });
}

void Gets::take_record(Operation& operation, Answer& answer, const wire::ReplicaReadReply& reply) {
  if (reply.record.empty() && reply.digest == 0) return settle(operation, answer, 0);
  const Result<std::uint64_t> digest = merge(operation, reply.record);
  if (!digest) {
    ++parts_.counters.bad_answers;
    answer.read = Read::failed;
    operation.last_error = "an owner sent a bad record: " + digest.error().message;
    return;
  }
  settle(operation, answer, *digest);
}

/// A record of this digest, or that there is none, is part of the result.
void Gets::settle(Operation& operation, Answer& answer, std::uint64_t digest) {
  answer.read = Read::answered;
  answer.digest = digest;
  answer.is_settled = true;
  operation.has_full = true;
  for (Answer& other : operation.answers) {
    if (other.read == Read::answered && other.digest == digest) other.is_settled = true;
  }
  parts_.held_bytes += operation.record.size();
  parts_.held_bytes -= operation.held_bytes;
  operation.held_bytes = operation.record.size();
}

/// Takes a record into the result; its digest. Errors: as decode_record and admits_sync.
Result<std::uint64_t> Gets::merge(Operation& operation, BytesView record) {
  const Result<Record> theirs = decode_record(operation.key, record);
  if (!theirs) return std::unexpected(theirs.error());
  const std::uint64_t their_digest = digest_of_encoded(record);
  if (their_digest == operation.digest) return their_digest;
  if (operation.record.empty()) {
    operation.record = record;
    operation.digest = their_digest;
    return their_digest;
  }
  const Result<Record> ours = decode_record(operation.key, operation.record);
  if (!ours) return std::unexpected(ours.error());
  if (descends(*ours, *theirs)) return their_digest;
  if (descends(*theirs, *ours)) {
    operation.record = record;
    operation.digest = their_digest;
    return their_digest;
  }
#ifdef COTERIE_PLANT_NO_MERGE  // defined only where a test must see it
  return their_digest;
#endif
  if (auto admitted = admits_sync(*ours, *theirs); !admitted) {
    return std::unexpected(admitted.error());
  }
  const Record both = sync(*ours, *theirs, operation.resolver);
  // what `both` borrows from is replaced by it
  Bytes bytes = encode_record(operation.key, both);
  operation.digest = digest_of_encoded(bytes);
  operation.record = std::move(bytes);
  return their_digest;
}

void Gets::on_answer(const TagParts& tag, NodeId from, const wire::ReplicaReadReply& reply,
                     const Now& now) {
  Operation* operation = find(tag, from);
  if (operation == nullptr) return;
  Answer& answer = operation->answers[tag.owner];
  const bool is_full = tag.purpose == Purpose::full;
  if (answer.read != (is_full ? Read::full : Read::digest)) return;
  uncount(*operation, tag.owner);
  parts_.read_latency.add(now.time - answer.asked);
  note_generations(*operation, answer, reply.generation, reply.purged);
  if (operation->is_repairing || !is_full) {
    // the result stands once repair has begun: a later answer only says whether it is held there
    take_digest(*operation, answer, reply.digest);
  } else {
    take_record(*operation, answer, reply);
  }
  advance(tag.operation, *operation, now);
}

void Gets::on_local_durable(const TagParts& tag, const Now& now) {
  if (tag.purpose == Purpose::repair) return on_repaired(tag, parts_.self, now);
  Operation* operation = find(tag, parts_.self);
  if (operation == nullptr || operation->answers[tag.owner].read != Read::durable) return;
  operation->answers[tag.owner].read = Read::answered;
  advance(tag.operation, *operation, now);
}

void Gets::on_repaired(const TagParts& tag, NodeId from, const Now& now) {
  Operation* operation = find(tag, from);
  if (operation == nullptr || operation->answers[tag.owner].repair != Repair::sent) return;
  uncount(*operation, tag.owner);
  operation->answers[tag.owner].repair = Repair::done;
  advance(tag.operation, *operation, now);
}

void Gets::on_error(const TagParts& tag, NodeId from, const Error& error, const Now& now) {
  Operation* operation = find(tag, from);
  if (operation == nullptr) return;
  Answer& answer = operation->answers[tag.owner];
  if (tag.purpose == Purpose::repair) {
    if (answer.repair != Repair::sent) return;
    answer.repair = Repair::failed;
    operation->purged = std::max(operation->purged, Generation{error.generation});
  } else {
    if (answer.read != (tag.purpose == Purpose::full ? Read::full : Read::digest)) return;
    if (error.code == ErrorCode::stale_configuration) {
      uncount(*operation, tag.owner);
      operation->is_stale = true;
      if (!move_on(tag.operation, *operation, now)) parts_.outbox.seek_epoch(from, error.epoch);
      return;
    }
    drop(*operation, tag.owner, error);
  }
  uncount(*operation, tag.owner);
  advance(tag.operation, *operation, now);
}

void Gets::on_peer_lost(NodeId peer, const Now& now) {
  operations_.for_each([&](std::uint64_t id) {
    Operation& operation = *operations_.find(id);
    for (std::uint8_t owner = 0; owner < operation.owners.total; ++owner) {
      if (operation.owners.nodes[owner] != peer || owner == operation.owners.self) continue;
      Answer& answer = operation.answers[owner];
      const bool was_asked =
          answer.is_counted && (answer.read == Read::digest || answer.read == Read::full);
      const bool was_sent = answer.repair == Repair::sent;
      if (was_asked) {
        drop(operation, owner,
             request_error(ErrorCode::closed, "the connection to an owner ended"));
      }
      if (was_sent) answer.repair = Repair::failed;
      uncount(operation, owner);
      if (was_asked || was_sent) advance(id, operation, now);
      return;
    }
  });
}

void Gets::on_ring(const Now& now) {
  operations_.for_each([&](std::uint64_t id) {
    Operation& operation = *operations_.find(id);
    if (operation.is_stale) (void)move_on(id, operation, now);
  });
}

void Gets::on_deadline(std::uint64_t id) {
  Operation* operation = operations_.find(id);
  if (operation == nullptr) return;
  fail(id, *operation, ErrorCode::expired, "the deadline passed before enough owners answered");
}

/// An owner is later than nearly all answers are: asks a further one, if that is affordable.
void Gets::on_hedge(std::uint64_t id, const Now& now) {
  Operation* operation = operations_.find(id);
  if (operation == nullptr || parts_.under_pressure) return;
  if (!parts_.hedges.spend()) return;
  operation->is_hedged = true;
  const bool is_asked =
      operation->is_repairing ? repair_another(id, *operation) : ask_next(id, *operation, now);
  if (is_asked) ++parts_.counters.hedges;
  advance(id, *operation, now);
}

void Gets::answer(std::uint64_t id, Operation& operation, const Now& now) {
  Record record;
  wire::GetReply reply{.weak = operation.is_weak};
  Bytes context;
  if (!operation.record.empty()) {
    Result<Record> decoded = decode_record(operation.key, operation.record);
    if (!decoded) return fail(id, operation, ErrorCode::internal, decoded.error().message);
    record = std::move(*decoded);
    context = context_of(operation.key, record);
    reply.context = context;
    reply.siblings = visible(record, operation.resolver, now.wall);
  }
  reply.stand_ins = operation.stand_ins();
  if (operation.wants_evidence) {
    reply.evidence.agreed = !operation.differed;
    for (std::size_t owner = 0; owner < operation.owners.total; ++owner) {
      const Answer& answer = operation.answers[owner];
      if (answer.read == Read::answered) {
        reply.evidence.answered.push_back(operation.owners.nodes[owner]);
      }
      if (answer.repair == Repair::done) ++reply.evidence.repaired;
    }
  }
  if (operation.is_weak) ++parts_.counters.weak;
  parts_.outbox.reply(operation.client, reply);
  repair_rest(id, operation);
  release(id, operation);
}

void Gets::fail(std::uint64_t id, Operation& operation, ErrorCode code, std::string_view why) {
  ++parts_.counters.failed;
  parts_.outbox.fail(operation.client,
                     request_error(code, std::string(why),
                                   code == ErrorCode::unavailable ? unavailable_retry_ms : 0));
  release(id, operation);
}

Gets::Operation* Gets::find(const TagParts& tag, NodeId from) {
  Operation* operation = operations_.find(tag.operation);
  if (operation == nullptr || tag.owner >= operation->owners.total) return nullptr;
  return operation->owners.nodes[tag.owner] == from ? operation : nullptr;
}

void Gets::note_generations(Operation& operation, Answer& answer, Generation generation,
                            Generation purged) {
  answer.generation = generation;
  operation.generation = std::min(operation.generation, generation);
  operation.purged = std::max(operation.purged, purged);
}

void Gets::drop(Operation& operation, std::uint8_t owner, const Error& error) {
  Answer& answer = operation.answers[owner];
  answer.read = Read::failed;
  answer.may_be_bare = error.code == ErrorCode::unsure || error.code == ErrorCode::corrupt;
  operation.last_error = error.message;
}

void Gets::add_hedge_timer(std::uint64_t id, const Operation& operation, const Now& now) {
  const Instant when = now.time + std::max(parts_.read_latency.p95(), hedge_delay_least);
  if (when >= operation.deadline) return;
  parts_.timers.add(when,
                    make_tag({.operation = id, .kind = Kind::get, .purpose = Purpose::hedge}));
}

void Gets::uncount(Operation& operation, std::size_t owner) {
  Answer& answer = operation.answers[owner];
  if (answer.is_counted) parts_.load.settled(operation.owners.nodes[owner]);
  answer.is_counted = false;
}

void Gets::release(std::uint64_t id, Operation& operation) {
  for (std::size_t owner = 0; owner < operation.owners.total; ++owner) uncount(operation, owner);
  parts_.held_bytes -= operation.held_bytes;
  recycle(operation.key);
  recycle(operation.record);
  operations_.release(id);
}

}  // namespace coterie::coordinator
