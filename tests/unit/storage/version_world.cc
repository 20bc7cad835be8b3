#include "tests/unit/storage/version_world.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/random.h"

namespace coterie::test {
namespace {

constexpr BytesView key = "one key";

bool contains(WriteSet set, std::size_t write) {
  return ((set >> write) & 1) != 0;
}
WriteSet only(std::size_t write) {
  return WriteSet{1} << write;
}

Record decoded(const Bytes& bytes) {
  Result<Record> record = decode_record(key, bytes);
  check(record.has_value(), "a record that was encoded decodes");
  return *std::move(record);
}

}  // namespace

VersionWorld::VersionWorld(Resolver resolver, std::size_t copies, std::size_t clients)
    : resolver_(resolver), copies_(copies), clients_(clients) {
  for (Copy& copy : copies_) {
    copy.state.record = encode_record(key, {});
    copy.actor = ActorId{++actors_};
  }
}

WriteSet VersionWorld::covered(const VersionVector& seen) const {
  WriteSet out = 0;
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    if (seen.covers(writes_[i].dot)) out |= only(i);
  }
  return out;
}

void VersionWorld::write(std::size_t client, std::size_t copy, const Options& options) {
  Copy& at = copies_[copy];
  Client& by = clients_[client];
  const Client nobody;
  const Client& handed = options.blind ? nobody : by;
  const ClientContext context = decode_context(key, handed.context).value();
  const Record before = decoded(at.state.record);
  const std::size_t number = writes_.size();
  check(number < 64, "a world has at most 64 writes");

  at.sequence += 1 + options.gap;
  Write made{.dot = {.actor = at.actor, .sequence = at.sequence},
             .timestamp = Timestamp{options.clock},
             .has_value = options.kind == Kind::put || resolver_ == Resolver::lww,
             .value = "value " + std::to_string(number),
             .replaced = covered(context.seen),
             .sight = handed.sight};
  if (resolver_ == Resolver::lww && !options.ignores_floor) {
    const Timestamp floor = std::max(greatest_timestamp(before), context.greatest);
    made.timestamp.value = std::max(made.timestamp.value, floor.value + 1);
  }
  Record after;
  if (made.has_value) {
    const Sibling sibling{.dot = made.dot,
                          .timestamp = made.timestamp,
                          .is_delete = options.kind == Kind::remove,
                          .value = made.value};
    if (!options.ignores_floor && !admits_put(before, context.seen, sibling, resolver_)) {
      promise_broken_ = "an honest put is refused";
    }
    after = put(before, context.seen, sibling, resolver_);
  } else {
    if (!admits_remove(before, context.seen, made.dot)) {
      promise_broken_ = "an honest remove is refused";
    }
    after = remove(before, context.seen, made.dot);
  }
  ClientContext reply = context_after(after, context, made.dot, made.timestamp);
  if (options.keeps_own_dot) reply.seen = after.context;
  at.state = {.record = encode_record(key, after),
              .known = at.state.known | made.replaced | only(number),
              .sight = at.state.sight | made.sight | only(number)};
  const bool knows_own = reply.seen.covers(made.dot);
  by = {.context = encode_context(key, reply),
        .sight = handed.sight | (knows_own ? only(number) : 0)};
  writes_.push_back(std::move(made));
  messages_.push_back(at.state);
}

VersionWorld::State VersionWorld::merged(const State& a, const State& b) const {
  const Record left = decoded(a.record);
  const Record right = decoded(b.record);
  return {.record = encode_record(key, sync(left, right, resolver_)),
          .known = a.known | b.known,
          .sight = a.sight | b.sight};
}

void VersionWorld::read(std::size_t client, std::size_t copy, std::size_t other) {
  const State state = merged(copies_[copy].state, copies_[other].state);
  const Record record = decoded(state.record);
  const ClientContext context{.seen = record.context, .greatest = greatest_timestamp(record)};
  clients_[client] = {.context = encode_context(key, context), .sight = state.sight};
}

void VersionWorld::deliver(std::size_t message, std::size_t copy) {
  copies_[copy].state = merged(copies_[copy].state, messages_[message]);
}

void VersionWorld::exchange(std::size_t from, std::size_t to) {
  copies_[to].state = merged(copies_[to].state, copies_[from].state);
}

void VersionWorld::restore(std::size_t copy, const std::size_t* message, bool keeps_actor) {
  Copy& at = copies_[copy];
  ++restores_;
  at.state = message != nullptr ? messages_[*message] : State{.record = encode_record(key, {})};
  if (!keeps_actor) {
    at.actor = ActorId{++actors_};
    at.sequence = 0;
  }
}

/// The dots of the values among `known` that are in no other known write's past; in an lww bucket
/// the winner of them, which must also be the winner of all.
std::vector<Dot> VersionWorld::survivors(WriteSet known, WriteSet Write::*past) const {
  WriteSet gone = 0;
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    if (contains(known, i)) gone |= writes_[i].*past;
  }
  std::vector<Dot> out;
  const Write* winner = nullptr;
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    const Write& write = writes_[i];
    if (!contains(known, i) || !write.has_value) continue;
    if (!contains(gone, i)) out.push_back(write.dot);
    if (winner == nullptr ||
        std::tie(winner->timestamp, winner->dot) < std::tie(write.timestamp, write.dot)) {
      winner = &write;
    }
  }
  if (resolver_ == Resolver::lww && winner != nullptr) out = {winner->dot};
  std::ranges::sort(out);
  return out;
}

std::string VersionWorld::disagreement(const State& state) const {
  const Record record = decoded(state.record);
  if (covered(record.context) != state.known) return "a context covers other writes than arrived";
  std::vector<Dot> dots;
  for (const Sibling& sibling : record.siblings) {
    dots.push_back(sibling.dot);
    const auto write = std::ranges::find(writes_, sibling.dot, &Write::dot);
    if (write == writes_.end()) return "a sibling nobody wrote";
    if (write->value != sibling.value || write->timestamp != sibling.timestamp) {
      return "a sibling is not what was written under its dot";
    }
  }
  if (dots != survivors(state.known, &Write::replaced)) return "siblings are lost or invented";
  return {};
}

std::string VersionWorld::violation(std::uint64_t order) const {
  if (!promise_broken_.empty()) return promise_broken_;
  State all{.record = encode_record(key, {})};
  std::vector<const State*> states;
  for (const Copy& copy : copies_) {
    if (std::string wrong = disagreement(copy.state); !wrong.empty()) return wrong;
    states.push_back(&copy.state);
  }
  for (const State& message : messages_) states.push_back(&message);
  Random random(order);
  for (std::size_t i = states.size(); i > 1; --i) {
    std::swap(states[i - 1], states[random.below(i)]);
  }
  for (const State* state : states) all = merged(all, *state);
  if (std::string wrong = disagreement(all); !wrong.empty()) return wrong + ", all merged";
  std::vector<Dot> dots;
  const Record record = decoded(all.record);
  for (const Sibling& sibling : record.siblings) dots.push_back(sibling.dot);
  if (dots != survivors(all.known, &Write::sight)) return "a value is gone that nobody replaced";
  return {};
}

std::string VersionWorld::law_violation(std::size_t a, std::size_t b, std::size_t c) const {
  const State& x = messages_[a];
  const State& y = messages_[b];
  const State& z = messages_[c];
  const State xy = merged(x, y);
  if (merged(x, x).record != x.record) return "sync is not idempotent";
  if (xy.record != merged(y, x).record) return "sync is not commutative";
  if (merged(xy, z).record != merged(x, merged(y, z)).record) return "sync is not associative";
  if (merged(xy, y).record != xy.record) return "sync takes in more the second time";
  const Record left = decoded(x.record);
  const Record right = decoded(y.record);
  if (descends(left, right) != (xy.record == x.record)) return "descends is not what sync says";
  if (descends(left, right) != ((x.known & y.known) == y.known)) return "descends is not sets'";
  if ((digest(left) == digest(right)) != (x.record == y.record)) return "digests tell it wrong";
  return {};
}

Bytes VersionWorld::fingerprint() const {
  Bytes out;
  ByteWriter writer(out);
  for (const Write& write : writes_) {
    writer.u64(write.dot.actor.value);
    writer.u64(write.dot.sequence);
    writer.u64(write.timestamp.value);
    writer.u64(write.replaced);
    writer.u64(write.sight);
    writer.u8(write.has_value ? 1 : 0);
  }
  for (const Copy& copy : copies_) {
    writer.sized(copy.state.record);
    writer.u64(copy.state.sight);
    writer.u64(copy.actor.value);
    writer.u64(copy.sequence);
  }
  for (const Client& client : clients_) {
    writer.sized(client.context);
    writer.u64(client.sight);
  }
  writer.u64(restores_);
  // A write's message follows from the state of its copy at the time, which differs by order.
  for (const State& message : messages_) writer.sized(message.record);
  return out;
}

}  // namespace coterie::test
