#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/transfer/handoff.h"
#include "storage/key.h"
#include "storage/memory_store.h"
#include "tests/unit/node/hand_time.h"
#include "tests/unit/node/samples.h"

namespace coterie::transfer {

/// Notes what is sent; the test answers.
class FakePort final : public HandoffPort {
 public:
  struct Sent {
    NodeId to;
    wire::ReplicaScope scope;
    Bytes key;
    Bytes record;
    bool is_repair = false;
    wire::Durability durability = wire::Durability::bucket_default;
    Done done;
  };

  Reach reach(NodeId node) const override {
    const auto found = reaches.find(node);
    return found == reaches.end() ? Reach::ready : found->second;
  }
  Result<Current> current(PartitionId partition, BytesView key) override {
    if (copy_error) return std::unexpected(*copy_error);
    const auto found = records.find(key);
    return Current{.scope = {.partition = partition, .generation = Generation{5}},
                   .record = found == records.end() ? Bytes() : found->second};
  }
  bool send(NodeId to, const wire::ReplicaWrite& message, Duration, Done done) override {
    if (refuses_sends) return false;
    sent.push_back({to, message.scope, Bytes(message.key), Bytes(message.record), message.is_repair,
                    message.durability, std::move(done)});
    return true;
  }
  bool is_busy() const override { return busy; }

  /// Answers the oldest.
  void answer(Result<void> result = {}) {
    REQUIRE_FALSE(sent.empty());
    Sent first = std::move(sent.front());
    sent.erase(sent.begin());
    first.done(std::move(result));
  }
  void answer_all() {
    while (!sent.empty()) answer();
  }

  std::map<NodeId, Reach> reaches;
  std::map<Bytes, Bytes, std::less<>> records;
  std::optional<Error> copy_error;
  bool refuses_sends = false;
  bool busy = false;
  std::vector<Sent> sent;
};

struct World {
  explicit World(std::size_t nodes = 3) : epoch(sample_epoch(nodes)) { start(); }

  void start(Handoff::Options options = {}) {
    handoff.reset();
    hints = std::make_unique<RecordHints>(store, RecordHints::Limits{},
                                          [](BytesView) { return Resolver::siblings; });
    options.self = node_id(1);
    handoff = std::make_unique<Handoff>(Handoff::Environment{.clock = clock,
                                                             .timers = timers,
                                                             .store = store,
                                                             .records = *hints,
                                                             .port = port,
                                                             .log = log},
                                        options, Random(3));
    handoff->on_view(epoch);
    timers.advance(std::chrono::seconds(1));
  }
  PartitionId partition(std::string_view key) const {
    return epoch->partition(decode_key(key)->token);
  }
  /// The stored form of the next key, of a partition that both nodes own, with a record.
  Bytes new_key(NodeId target = node_id(2)) {
    for (;;) {
      const std::string text = "key" + std::to_string(++keys);
      Bytes key = *encode_key({.token = epoch->token(BucketId{1}, text),
                               .bucket = BucketId{1},
                               .partition_key = text,
                               .sort_key = {}});
      if (!epoch->owns(node_id(1), partition(key)) || !epoch->owns(target, partition(key))) {
        continue;
      }
      port.records[key] = "record of " + text;
      return key;
    }
  }
  Bytes leave(NodeId target = node_id(2)) {
    Bytes key = new_key(target);
    handoff->leave(partition(key), key, target);
    return key;
  }
  std::uint64_t hints_left() const { return handoff->status().hints(); }
  HandoffStatus::Target only() const {
    const auto status = handoff->status();
    REQUIRE(status.targets.size() == 1);
    return status.targets[0];
  }

  std::shared_ptr<const Epoch> epoch;
  HandClock clock;
  HandTimers timers{clock};
  MemoryStore store{16};
  FakePort port;
  NoLog log;
  std::unique_ptr<RecordHints> hints;
  std::unique_ptr<Handoff> handoff;
  int keys = 0;
};

}  // namespace coterie::transfer
