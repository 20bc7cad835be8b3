#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/wire/codec.h"
#include "node/local_copies.h"
#include "node/replica/merge.h"
#include "node/shard_repair.h"
#include "node/transfer/stream.h"
#include "node/transfer/stream_source.h"
#include "ring/transition/entries.h"
#include "ring/transition/sources.h"
#include "storage/key.h"
#include "storage/memory_store.h"
#include "storage/record.h"
#include "tests/unit/node/hand_time.h"
#include "tests/unit/node/samples.h"

namespace coterie::transfer {

/// An owner from before: the real source over real copies in memory.
struct OldOwner {
  OldOwner(NodeId self, const std::shared_ptr<const Epoch>& epoch)
      : store(epoch->partitions()),
        gate(
            store, [](ConnectionId, const Bytes&) {}, [](coordinator::Tag) {}),
        local(store, gate, Random(self.low)),
        copies(local, store),
        source(self, store, copies, [this](PartitionId) { return fenced; }) {
    copies.set_partitions(epoch->partitions());
    local.set_epoch(epoch, self, ShardIndex{0}, 1);
    source.on_epoch(epoch);
  }

  MemoryStore store;
  DurableGate gate;
  LocalCopies local;
  ShardCopies copies;
  ConfigurationNumber fenced;
  StreamSource source;
};

/// The new owner's copies, in memory, and its questions, which the test delivers.
class HandPort final : public StreamPort {
 public:
  explicit HandPort(MemoryStore& store) : store_(store) {}

  bool is_reachable(NodeId node) const override { return !unreachable.contains(node); }
  bool ask(NodeId to, const wire::StreamOpen& message, Duration /*patience*/,
           Done<wire::StreamOpenReply> done) override {
    return send<wire::StreamOpenReply>(to, message, std::move(done));
  }
  bool ask(NodeId to, const wire::StreamBatch& message, Duration /*patience*/,
           Done<wire::StreamBatchReply> done) override {
    return send<wire::StreamBatchReply>(to, message, std::move(done));
  }
  std::optional<Filling> filling(PartitionId /*partition*/) const override {
    return Filling{.began_empty = began_empty};
  }
  const replica::PartitionCopy* copy(PartitionId partition) const {
    return &copies_
                .try_emplace(partition, partition, ActorId{partition.value + 1U},
                             ConfigurationNumber{2}, Generation{0})
                .first->second;
  }
  Result<void> adopt_purges(PartitionId partition, Generation generation,
                            Generation purged) override {
    auto& copy = const_cast<replica::PartitionCopy&>(*this->copy(partition));
    if (purged > copy.purged()) copy.raise_purged(purged);
    if (generation > copy.generation()) copy.raise_generation(generation);
    return {};
  }
  Result<void> keep(PartitionId partition, Generation generation, BytesView key,
                    BytesView record) override {
    if (trouble) return std::unexpected(*trouble);
    CHECK(generation >= copy(partition)->purged());
    const auto stored = store_.get(Space::records, key);
    const auto local = *stored ? std::optional<BytesView>(**stored) : std::nullopt;
    auto merged = replica::merge(*copy(partition), key, local, record, {});
    if (!merged) return std::unexpected(merged.error());
    ++kept;
    if (merged->outcome == replica::MergeOutcome::unchanged) return {};
    Write write{.space = Space::records,
                .key = Bytes(key),
                .value = merged->outcome == replica::MergeOutcome::take_incoming
                             ? Bytes(record)
                             : std::move(merged->record)};
    const auto position = store_.append(std::span(&write, 1));
    if (!position) return std::unexpected(position.error());
    return {};
  }
  Result<void> filled(PartitionId partition) override {
    if (trouble) return std::unexpected(*trouble);
    full.insert(partition);
    return {};
  }
  void when_durable(LogPosition position, std::move_only_function<void()> then) override {
    if (store_.synced() >= position) return then();
    waiting.emplace_back(position, std::move(then));
  }

  struct Question {
    NodeId to;
    Bytes frame;
    std::move_only_function<void(Result<Bytes>)> done;
  };
  std::deque<Question> asked;
  std::set<NodeId> unreachable;
  std::optional<Error> trouble;
  std::set<PartitionId> full;
  std::deque<std::pair<LogPosition, std::move_only_function<void()>>> waiting;
  std::size_t kept = 0;
  bool began_empty = false;

 private:
  template <class Reply, class Message>
  bool send(NodeId to, const Message& message, Done<Reply> done) {
    asked.push_back({.to = to,
                     .frame = wire::encode(message, wire::Envelope{}),
                     .done = [done = std::move(done)](Result<Bytes> body) mutable {
                       if (!body) return done(std::unexpected(body.error()));
                       done(wire::decode<Reply>(*body));
                     }});
    return true;
  }

  MemoryStore& store_;
  mutable std::map<PartitionId, replica::PartitionCopy> copies_;
};

/// Four members, N = 3, W = 2; node 4's copies do not matter but for those it gets: a change hands
/// it every partition that it does not own, in the place of its first owner.
class StreamWorld {
 public:
  explicit StreamWorld(Streams::Options options = {}) : options_(options) {
    before = sample_epoch(4);
    std::vector<Handover> handovers;
    for (std::uint32_t p = 0; p < before->partitions(); ++p) {
      const PartitionId partition{p};
      if (before->owns(self, partition)) continue;
      const auto from = before->owners(partition);
      std::vector<NodeId> to(from.begin(), from.end());
      to.front() = self;
      handovers.push_back({.partition = partition, .new_owners = to});
      moving.push_back(partition);
    }
    auto contents = transition::following(*before);
    REQUIRE(transition::open_change(contents, handovers, {}));
    open = std::make_shared<const Epoch>(*Epoch::make(contents));
    for (std::uint64_t i = 1; i <= 3; ++i) {
      owners[node_id(i)] = std::make_unique<OldOwner>(node_id(i), before);
    }
    start();
  }

  /// This node's run ends, and another one begins.
  void start() {
    streams.reset();
    port = std::make_unique<HandPort>(store);
    options_.self = self;
    streams = std::make_unique<Streams>(
        Streams::Environment{.clock = clock,
                             .timers = timers,
                             .store = store,
                             .port = *port,
                             .log = log,
                             .should_yield = [this] { return is_busy; },
                             .on_covered = [this](PartitionId) { ++told; }},
        options_, Random(++runs_));
  }
  /// All hear of it, and those from before fence it.
  void tell(const std::shared_ptr<const Epoch>& epoch) {
    for (const auto& [node, owner] : owners) {
      owner->local.set_epoch(epoch, node, ShardIndex{0}, 1);
      owner->source.on_epoch(epoch);
      owner->fenced = epoch->configuration(moving.front());
    }
    streams->on_view(epoch);
  }

  Bytes put(NodeId owner, PartitionId partition, std::uint64_t version, std::size_t padding = 0) {
    for (;;) {
      const std::string text = "key " + std::to_string(++keys_);
      const auto token = before->token(BucketId{1}, text);
      if (before->partition(token) != partition) continue;
      Bytes key = *encode_key(
          {.token = token, .bucket = BucketId{1}, .partition_key = text, .sort_key = {}});
      put(owner, key, version, padding);
      return key;
    }
  }
  void put(NodeId owner, BytesView key, std::uint64_t version, std::size_t padding = 0) {
    const auto partition = before->partition(decode_key(key)->token);
    const auto kept =
        owners.at(owner)->local.keep(partition, {}, key, record(key, version, padding), false);
    REQUIRE(kept);
  }
  static Bytes record(BytesView key, std::uint64_t version, std::size_t padding = 0) {
    const Dot dot{.actor = ActorId{77}, .sequence = version};
    const Bytes value(padding, 'v');
    Record out;
    out.context.add(dot);
    out.siblings.push_back({.dot = dot, .timestamp = Timestamp{version}, .value = value});
    return encode_record(key, out);
  }

  /// Delivers the oldest question, and its answer.
  void deliver() {
    REQUIRE_FALSE(port->asked.empty());
    auto question = std::move(port->asked.front());
    port->asked.pop_front();
    if (port->unreachable.contains(question.to)) {
      return question.done(fail(ErrorCode::unavailable, "it did not answer in time"));
    }
    const auto header = wire::decode_header(question.frame);
    const Bytes body = question.frame.substr(wire::header_bytes);
    auto answer = owners.at(question.to)->source.answer(header->kind, body, {});
    if (!answer) return question.done(std::unexpected(answer.error()));
    question.done(answer->substr(wire::header_bytes));
  }
  void run(Duration most = std::chrono::seconds(20)) {
    const Instant end = clock.time + most;
    while (clock.time < end) {
      while (!port->asked.empty()) deliver();
      timers.advance(std::chrono::milliseconds(20));
    }
  }
  [[nodiscard]] bool has(BytesView key, std::uint64_t version, std::size_t padding = 0) const {
    return *store.get(Space::records, key) == record(key, version, padding);
  }
  [[nodiscard]] NodeId displaced(PartitionId partition) const {
    return before->owners(partition).front();
  }
  [[nodiscard]] StreamStatus status(PartitionId partition) const {
    for (const auto& stream : streams->status().streams) {
      if (stream.partition == partition) return stream;
    }
    FAIL("no such stream");
    return {};
  }

  const NodeId self = node_id(4);
  HandClock clock;
  HandTimers timers{clock};
  NoLog log;
  std::shared_ptr<const Epoch> before;
  std::shared_ptr<const Epoch> open;
  std::vector<PartitionId> moving;
  std::map<NodeId, std::unique_ptr<OldOwner>> owners;
  MemoryStore store{16};
  std::unique_ptr<HandPort> port;
  std::unique_ptr<Streams> streams;
  bool is_busy = false;
  std::size_t told = 0;

 private:
  Streams::Options options_;
  std::uint64_t runs_ = 0;
  std::size_t keys_ = 0;
};

}  // namespace coterie::transfer
