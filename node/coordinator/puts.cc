#include "node/coordinator/puts.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/hash.h"
#include "storage/versions.h"

namespace coterie::coordinator {

namespace {

constexpr std::uint32_t hints_full_retry_ms = 1000;

/// What a client is given back for a put that had `dot` before. Where that cannot be told any more
/// it keeps what it had: its next put then replaces nothing that it has not seen.
Bytes context_again(BytesView key, BytesView handed_in, const Record& record, const Dot& dot,
                    Timestamp timestamp) {
  const Result<ClientContext> before = decode_context(key, handed_in);
  if (!before) return {};
  return encode_context(key, context_after(record, *before, dot, timestamp));
}

Durability durability_of(const wire::Put& put, const Bucket& bucket) {
  if (put.durability == wire::Durability::bucket_default) return bucket.durability;
  return put.durability == wire::Durability::commit ? Durability::commit : Durability::interval;
}

wire::Durability on_wire(Durability durability) {
  return durability == Durability::commit ? wire::Durability::commit : wire::Durability::interval;
}

/// Whether what counted as durable in the sense of `had` does in that of `wanted`.
bool satisfies(Durability had, Durability wanted) {
  return had == Durability::commit || wanted == Durability::interval;
}

std::uint64_t expiry_of(const wire::Put& put, const Bucket& bucket, WallTime now) {
  const auto most = static_cast<std::uint64_t>(limits::time_to_live_most.count());
  const auto of_bucket = static_cast<std::uint64_t>(bucket.default_ttl.count());
  const std::uint64_t ttl_ms = put.time_to_live_ms != 0 ? put.time_to_live_ms : of_bucket;
  if (ttl_ms == 0 || put.is_delete) return 0;
  return static_cast<std::uint64_t>(now.time_since_epoch().count()) + std::min(ttl_ms, most);
}

Error unavailable(std::uint32_t w, const Placement& placement, const Owners& owners) {
  if (placement.are_hints_full) {
    return {.code = ErrorCode::hints_full,
            .message =
                "owners are away and the hints that fallbacks keep for them are at their "
                "bound; nothing was executed",
            .retry_after_ms = hints_full_retry_ms};
  }
  return {.code = ErrorCode::unavailable,
          .message = in_reach_in_words(placement, owners) + ", W=" + std::to_string(w) +
                     "; nothing was executed",
          .retry_after_ms = unavailable_retry_ms};
}

/// Nothing was written: the code must not say that the outcome is unknown, as io and closed do.
Error not_executed(Error error) {
  if (executed(error.code) == Executed::no) return error;
  return {.code = ErrorCode::unavailable,
          .message = "this node cannot take the write (" + error.message +
                     "); nothing was executed, ask another owner",
          .retry_after_ms = unavailable_retry_ms};
}

Error unknown(std::string_view why) {
  return {.code = ErrorCode::unknown_outcome,
          .message = "the write may or may not have been executed: " + std::string(why) +
                     "; try again with the same request id, or read"};
}

}  // namespace

void Puts::Operation::reset() {
  clients.clear();
  votes.fill(Vote::waiting);
  sent_again.fill(0);
  late = 0;
  stale = 0;
  stand_ins_known = 0;
  yes = 0;
  no = 0;
  siblings = 0;
  hints = 0;
  is_answered = false;
  last_error.clear();
}

void Puts::Operation::place(const Owners& among) {
  owners = among;
  quorum = transition::PlaceQuorum::of_write(owners.groups, w);
  for (std::size_t place = owners.count; place < owners.total; ++place) {
    if (place != owners.self) votes[place] = Vote::idle;
  }
  if (!owners.is_self_fallback()) return;
  stands_for[owners.self] = 0;
  quorum.add_stand_in(owners.self, 0);
}

bool Puts::Operation::is_waiting() const {
  return std::any_of(votes.begin(), votes.begin() + owners.total,
                     [](Vote vote) { return vote == Vote::waiting; });
}

Puts::Puts(Parts& parts) : parts_(parts), memory_(parts.options.remembered_requests) {}

void Puts::start(const Start& start, const Now& now) {
  ++parts_.counters.puts;
  const Owners owners = owners_of(start.placement, parts_.self);
  if (!owners.has_self()) {
    return refuse(start.client, {.code = ErrorCode::not_owner,
                                 .message = "this node does not own the key; fetch the ring"});
  }
  const Result<std::uint32_t> w = resolve(start.put.w, start.bucket.w, owners.replicas);
  if (!w) return refuse(start.client, w.error());
  if (!start.put.id.is_zero()) {
    if (RequestMemory::Entry* known = memory_.find(start.put.id, now.time)) {
      ++parts_.counters.recognised;
      return try_again(start, owners, *w, *known, now);
    }
  }
  if (start.deadline <= now.time) {
    return refuse(start.client, {.code = ErrorCode::expired,
                                 .message = "the deadline passed before the write was begun"});
  }
  if (!may_reach(*w, start.placement, owners)) {
    return refuse(start.client, unavailable(*w, start.placement, owners));
  }
  mint(start, owners, *w, now);
}

void Puts::mint(const Start& start, const Owners& owners, std::uint32_t w, const Now& now) {
  const std::optional<std::uint64_t> id = begin(start, owners, w);
  if (!id) {
    return refuse(start.client, {.code = ErrorCode::overloaded,
                                 .message = "too many operations; nothing was executed",
                                 .retry_after_ms = unavailable_retry_ms});
  }
  Result<LocalMinted> minted = parts_.local.mint(
      {.partition = start.placement.partition, .configuration = start.placement.configuration},
      {.key = start.key,
       .put = start.put,
       .expires_ms = expiry_of(start.put, start.bucket, now.wall),
       .resolver = start.bucket.resolver,
       .durability = operations_.find(*id)->durability,
       .now = now.wall,
       .intended = owners.nodes[0],
       .owners = operations_.find(*id)->owners_needed},
      make_tag({.operation = *id, .kind = Kind::put, .owner = owners.self}));
  if (!minted) {
    operations_.release(*id);
    return refuse(start.client, not_executed(minted.error()));
  }
  if (!start.put.id.is_zero()) {
    memory_.add({.id = start.put.id,
                 .key_hash = hash64(start.key),
                 .dot = minted->dot,
                 .timestamp = minted->timestamp,
                 .operation = *id,
                 .until = now.time + limits::request_id_memory,
                 .siblings = minted->siblings});
  }
  Operation& operation = *operations_.find(*id);
  operation.context = std::move(minted->context);
  operation.siblings = minted->siblings;
  operation.dot = minted->dot;
  replicate(*id,
            {.record = minted->record,
             .generation = minted->generation,
             .is_durable = minted->is_durable},
            now);
}

/// The put has its dot already. Whatever comes of this try, the outcome is done or unknown.
void Puts::try_again(const Start& start, const Owners& owners, std::uint32_t w,
                     RequestMemory::Entry& known, const Now& now) {
  if (known.key_hash != hash64(start.key)) {
    return refuse(start.client, {.code = ErrorCode::invalid_argument,
                                 .message = "the request id was used for another key"});
  }
  if (join_running(start, w, known)) return;
  send_again(start, owners, w, known, now);
}

bool Puts::join_running(const Start& start, std::uint32_t w, const RequestMemory::Entry& known) {
  Operation* running = known.operation == 0 ? nullptr : operations_.find(known.operation);
  if (running == nullptr) return false;
  if (!satisfies(running->durability, durability_of(start.put, start.bucket))) return false;
  if (running->quorum.held(running->yes) >= w) {
    answer(*running, start.client, w < start.bucket.w);
    return true;
  }
  if (running->is_answered || running->w < w) return false;
  if (running->clients.size() >= limits::clients_a_put) {
    refuse(start.client, unknown("too many tries of it are waiting"));
    return true;
  }
  running->clients.push_back(start.client);
  running->deadline = std::max(running->deadline, start.deadline);
  parts_.timers.add(
      start.deadline,
      make_tag({.operation = known.operation, .kind = Kind::put, .purpose = Purpose::deadline}));
  return true;
}

/// Answers at once if enough owners are known to hold it, else sends the record that reflects the
/// dot once more, as it is here now.
void Puts::send_again(const Start& start, const Owners& owners, std::uint32_t w,
                      RequestMemory::Entry& known, const Now& now) {
  const std::optional<std::uint64_t> id = begin(start, owners, w);
  if (!id) return refuse(start.client, unknown("too many operations are running"));
  Operation& operation = *operations_.find(*id);
  const Result<LocalRead> local = parts_.local.read(
      {.partition = start.placement.partition, .configuration = start.placement.configuration},
      start.key, operation.durability,
      make_tag({.operation = *id, .kind = Kind::put, .owner = owners.self}));
  const Result<Record> record =
      local ? decode_record(start.key, local->record) : std::unexpected(local.error());
  const bool is_here = record && record->context.covers(known.dot);
  operation.siblings = known.siblings;
  operation.dot = known.dot;
  if (is_here) {
    operation.context =
        context_again(start.key, start.put.context, *record, known.dot, known.timestamp);
    operation.siblings =
        static_cast<std::uint16_t>(std::min<std::size_t>(record->siblings.size(), UINT16_MAX));
  }
  if (known.votes >= w && satisfies(known.durability, operation.durability)) {
    if (!is_here) operation.context = start.put.context;
    operation.stand_ins_known = known.stand_ins;
    answer(operation);
    operations_.release(*id);
  } else if (is_here) {
    known.operation = *id;
    replicate(
        *id,
        {.record = local->record, .generation = local->generation, .is_durable = local->is_durable},
        now);
  } else {
    operations_.release(*id);
    refuse(start.client, unknown(record ? "this node has lost it" : record.error().message));
  }
}

std::optional<std::uint64_t> Puts::begin(const Start& start, const Owners& owners,
                                         std::uint32_t w) {
  const std::optional<std::uint64_t> id = operations_.take(parts_.options.operations);
  if (!id) return std::nullopt;
  Operation& operation = *operations_.find(*id);
  operation.key = start.key;
  operation.context.clear();
  operation.clients.push_back(start.client);
  operation.deadline = start.deadline;
  operation.request = start.put.id;
  operation.partition = start.placement.partition;
  operation.configuration = start.placement.configuration;
  operation.w = static_cast<std::uint8_t>(w);
  operation.place(owners);
  operation.is_sloppy = start.placement.is_sloppy;
  operation.owners_needed = static_cast<std::uint8_t>(std::max(w, start.bucket.w));
  operation.durability = durability_of(start.put, start.bucket);
  operation.is_weak = w < start.bucket.w;
  operation.wants_evidence = start.put.want_evidence;
  return id;
}

void Puts::replicate(std::uint64_t id, const Message& message, const Now& now) {
  Operation& operation = *operations_.find(id);
  const Owners& owners = operation.owners;
  std::array<Target, places_most> targets;
  std::array<std::uint8_t, places_most> places;
  std::size_t count = 0;
  for (std::uint8_t place = 0; place < owners.count; ++place) {
    if (place == owners.self) continue;
    places[count] = place;
    targets[count++] = {.node = owners.nodes[place],
                        .tag = make_tag({.operation = id, .kind = Kind::put, .owner = place})};
    parts_.load.sent(owners.nodes[place]);
  }
  const std::uint32_t refused =
      count == 0 ? 0
                 : parts_.outbox.send(
                       {targets.data(), count},
                       wire::ReplicaWrite{.scope = {.partition = operation.partition,
                                                    .configuration = operation.configuration,
                                                    .generation = message.generation},
                                          .key = operation.key,
                                          .record = message.record,
                                          .durability = on_wire(operation.durability)},
                       operation.deadline);
  for (std::size_t i = 0; i < count; ++i) {
    if ((refused >> i & 1) == 0) continue;
    operation.last_error = "an owner cannot be reached";
    vote(operation, places[i], Vote::no);
  }
  if (message.is_durable) vote(operation, owners.self, Vote::yes);
  const bool may_end = !operation.is_waiting() && owners.total == owners.count;
  if (!may_end) {
    parts_.timers.add(operation.deadline,
                      make_tag({.operation = id, .kind = Kind::put, .purpose = Purpose::deadline}));
    add_late_timer(id, operation, now);
  }
  settle(id, operation);
}

/// An owner has purged since the record was read here. It is sent what is here now: never a newly
/// minted record. False: that cannot be done, or has been done too often.
bool Puts::send_current(const TagParts& tag, Operation& operation, Generation purged) {
  if (operation.sent_again[tag.owner] >= limits::resends_a_put) return false;
  ++operation.sent_again[tag.owner];
  ++parts_.counters.resends;
  return send_record(tag, operation, purged);
}

/// Sends what is here now, if it was read under `least` or a later generation and still shows the
/// write. False: it cannot be.
bool Puts::send_record(const TagParts& tag, Operation& operation, Generation least) {
  const Owners& owners = operation.owners;
  wire::ReplicaScope scope{.partition = operation.partition,
                           .configuration = operation.configuration};
  // `full`: this node's vote rests on what was minted, not on this read
  const Result<LocalRead> local = parts_.local.read(
      scope, operation.key, operation.durability,
      make_tag({.operation = tag.operation, .kind = Kind::put, .purpose = Purpose::full}));
  if (!local) return false;
  if (local->generation < least) {
    parts_.local.heard_of_purge(operation.partition, least);
    return false;
  }
  const Result<Record> record = decode_record(operation.key, local->record);
  if (!record || !record->context.covers(operation.dot)) return false;
  scope.generation = local->generation;
  wire::ReplicaWrite message{.scope = scope,
                             .key = operation.key,
                             .record = local->record,
                             .durability = on_wire(operation.durability)};
  if (owners.is_fallback(tag.owner)) {
    message.intended = owners.nodes[operation.stands_for[tag.owner]];
    message.owners = operation.owners_needed;
  }
  const Target target{.node = owners.nodes[tag.owner], .tag = make_tag(tag)};
  return parts_.outbox.send({&target, 1}, message, operation.deadline) == 0;
}

void Puts::on_vote(const TagParts& tag, NodeId from) {
  if (tag.purpose != Purpose::request) return;
  Operation* operation = operations_.find(tag.operation);
  if (operation == nullptr || tag.owner >= operation->owners.total) return;
  if (operation->owners.nodes[tag.owner] != from) return;
  if (operation->votes[tag.owner] != Vote::waiting) return;
  vote(*operation, tag.owner, Vote::yes);
  settle(tag.operation, *operation);
}

void Puts::on_refusal(const TagParts& tag, NodeId from, const Error& error, const Now& now) {
  Operation* operation = operations_.find(tag.operation);
  if (operation == nullptr || tag.owner >= operation->owners.total) return;
  if (operation->owners.nodes[tag.owner] != from) return;
  if (operation->votes[tag.owner] != Vote::waiting) return;
  if (error.code == ErrorCode::stale_configuration && error.generation != 0 &&
      send_current(tag, *operation, Generation{error.generation})) {
    return;
  }
  if (wait_for_ring(tag, *operation, error, now)) return;
  operation->last_error = error.message;
  vote(*operation, tag.owner, Vote::no);
  settle(tag.operation, *operation);
}

void Puts::on_peer_lost(NodeId peer, const Now& now) {
  operations_.for_each([&](std::uint64_t id) {
    const Owners& owners = operations_.find(id)->owners;
    for (std::uint8_t place = 0; place < owners.total; ++place) {
      if (owners.nodes[place] != peer || place == owners.self) continue;
      if ((operations_.find(id)->stale >> place & 1) != 0) return;  // it has answered
      on_refusal({.operation = id, .kind = Kind::put, .owner = place}, peer,
                 {.code = ErrorCode::closed, .message = "the connection to a replica ended"}, now);
      return;
    }
  });
}

void Puts::on_deadline(std::uint64_t id, const Now& now) {
  Operation* operation = operations_.find(id);
  if (operation == nullptr || now.time < operation->deadline) return;
  if (!operation->is_answered) give_up(*operation, "the deadline passed");
  give_up_waiting(*operation);
  finish(id, *operation);
}

void Puts::vote(Operation& operation, std::size_t owner, Vote vote) {
  operation.votes[owner] = vote;
  (vote == Vote::yes ? operation.yes : operation.no) |= transition::Places{1} << owner;
#ifdef COTERIE_PLANT_VOTE_TWICE  // defined only where a test must see it
  if (vote == Vote::yes) operation.yes |= ~operation.yes & (operation.yes + 1);
#endif
  if (owner == operation.owners.self) return;
  parts_.load.settled(operation.owners.nodes[owner]);
  // A fallback's hint is its own to replay; a node without a copy has nothing to replay from.
  if (operation.owners.is_fallback(owner) || operation.owners.self >= operation.owners.count)
    return;
  if (vote == Vote::yes) return;
  parts_.outbox.leave_hint(operation.partition, operation.key, operation.owners.nodes[owner]);
  ++operation.hints;
  ++parts_.counters.hints;
}

/// After a vote: answers as soon as that can be done, ends once nobody is missing.
void Puts::settle(std::uint64_t id, Operation& operation) {
  const bool was_answered = operation.is_answered;
  if (!was_answered && operation.quorum.is_reached(operation.yes)) answer(operation);
  if (!operation.is_answered && !can_reach_w(id, operation)) {
    give_up(operation, operation.last_error);
  }
  if (!operation.is_waiting()) {
    finish(id, operation);
  } else if (operation.is_answered && !was_answered) {
    bound_waiting(id);
  }
}

void Puts::answer(Operation& operation) {
  for (const ClientHandle client : operation.clients) {
    answer(operation, client, operation.is_weak);
  }
  operation.is_answered = true;
}

void Puts::answer(const Operation& operation, ClientHandle client, bool is_weak) {
  wire::PutReply reply{
      .context = operation.context, .siblings = operation.siblings, .weak = is_weak};
  if (is_weak) ++parts_.counters.weak;
  reply.stand_ins = std::max(operation.stand_ins(), operation.stand_ins_known);
  if (operation.wants_evidence) {
    for (std::size_t place = 0; place < operation.owners.total; ++place) {
      if (operation.votes[place] != Vote::yes) continue;
      reply.evidence.answered.push_back(operation.owners.nodes[place]);
    }
    reply.evidence.agreed = operation.no == 0;
    reply.evidence.hints = static_cast<std::uint16_t>(operation.hints + reply.stand_ins);
  }
  parts_.outbox.reply(client, reply);
}

void Puts::give_up(Operation& operation, std::string_view why) {
  const Error error = unknown(why);
  for (const ClientHandle client : operation.clients) refuse(client, error);
  operation.is_answered = true;
}

void Puts::refuse(ClientHandle client, const Error& error) {
  ++parts_.counters.failed;
  if (error.code == ErrorCode::unknown_outcome) ++parts_.counters.unknown;
  parts_.outbox.fail(client, error);
}

}  // namespace coterie::coordinator
