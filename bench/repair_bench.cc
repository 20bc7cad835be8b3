#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/wire/codec.h"
#include "node/replica/merge.h"
#include "node/transfer/comparison_answers.h"
#include "node/transfer/repair_round.h"
#include "ring/token.h"
#include "storage/key.h"
#include "storage/memory_store.h"
#include "storage/record.h"

// What it costs to find and repair the keys at which two copies of many records differ: bytes of
// real frames, and CPU time. Both copies are in this process, over stores in memory.
//   repair_bench [RECORDS] [PARTITIONS] [VALUE_BYTES]

namespace coterie {

namespace {

using namespace transfer;

constexpr BucketId bucket{1};

Bytes key_of(std::uint64_t number) {
  char name[32];
  const int length =
      std::snprintf(name, sizeof name, "user%012llu", static_cast<unsigned long long>(number));
  const BytesView key(name, static_cast<std::size_t>(length));
  return *encode_key({.token = token_of(bucket, key, 42), .bucket = bucket, .partition_key = key});
}

Bytes record_of(BytesView key, std::uint64_t version, std::size_t value_bytes) {
  const Bytes value(value_bytes, 'v');
  Record record;
  const Dot dot{.actor = ActorId{0x9e3779b97f4a7c15}, .sequence = version};
  record.context.add(dot);
  record.siblings.push_back({.dot = dot, .timestamp = Timestamp{version}, .value = value});
  return encode_record(key, record);
}

/// One node's copies of all partitions.
class Copies final : public RepairedCopies {
 public:
  explicit Copies(std::uint32_t partitions) : partitions_(partitions), store_(partitions) {
    for (std::uint32_t p = 0; p < partitions; ++p) {
      copies_.emplace_back(PartitionId{p}, ActorId{p + 1}, ConfigurationNumber{1}, Generation{0});
    }
  }

  [[nodiscard]] Store& store() { return store_; }
  [[nodiscard]] const replica::PartitionCopy* copy(PartitionId partition) const override {
    return &copies_[partition.value];
  }
  [[nodiscard]] std::uint32_t partitions() const override { return partitions_; }
  [[nodiscard]] Resolver resolver_of(BytesView) const override { return Resolver::siblings; }
  Result<void> keep(PartitionId partition, Generation, BytesView key, BytesView record,
                    bool) override {
    const auto old = *store_.get(Space::records, key);
    const auto local = old ? std::optional<BytesView>(*old) : std::nullopt;
    auto merged = *replica::merge(copies_[partition.value], key, local, record, {});
    if (merged.outcome == replica::MergeOutcome::unchanged) return {};
    const bool is_taken = merged.outcome == replica::MergeOutcome::take_incoming;
    Write write{.space = Space::records,
                .key = Bytes(key),
                .value = is_taken ? Bytes(record) : std::move(merged.record),
                .old_leaf_hash = merged.old_leaf_hash,
                .new_leaf_hash = merged.new_leaf_hash};
    check(store_.append({&write, 1}).has_value(), "a store in memory takes what it is given");
    return {};
  }
  Result<void> drop_damaged(PartitionId, BytesView) override { return {}; }
  Result<void> refilled(PartitionId) override { return {}; }
  void note_damaged(PartitionId, BytesView) override {}
  void heard_of_purge(PartitionId, Generation) override {}

  void put(BytesView key, std::uint64_t version, std::size_t value_bytes) {
    const Token token = decode_key(key)->token;
    check(
        keep(partition_of(token, partitions_), {}, key, record_of(key, version, value_bytes), false)
            .has_value(),
        "a good record is kept");
  }

 private:
  std::uint32_t partitions_;
  MemoryStore store_;
  std::vector<replica::PartitionCopy> copies_;
};

/// The other node: each question and each answer becomes a frame and is read from it.
class Other final : public OtherOwners {
 public:
  explicit Other(Copies& copies) : copies_(copies), answers_(copies.store(), copies) {}

  bool ask(NodeId, const wire::TreeRoots& message, Done<wire::TreeRootsReply> done) override {
    return send<wire::TreeRootsReply>(message, std::move(done));
  }
  bool ask(NodeId, const wire::TreeCells& message, Done<wire::TreeCellsReply> done) override {
    return send<wire::TreeCellsReply>(message, std::move(done));
  }
  bool ask(NodeId, const wire::RangeDigests& message, Done<wire::RangeDigestsReply> done) override {
    return send<wire::RangeDigestsReply>(message, std::move(done));
  }
  bool ask(NodeId, const wire::RangePieces& message, Done<wire::RangePiecesReply> done) override {
    return send<wire::RangePiecesReply>(message, std::move(done));
  }
  bool ask(NodeId, const wire::ReplicaRecords& message,
           Done<wire::ReplicaRecordsReply> done) override {
    return send<wire::ReplicaRecordsReply>(message, std::move(done));
  }
  bool ask(NodeId, const wire::ReplicaWrite& message, Done<wire::ReplicaWriteReply> done) override {
    return send<wire::ReplicaWriteReply>(message, std::move(done));
  }
  [[nodiscard]] std::optional<std::uint16_t> shards_of(NodeId) const override { return 1; }
  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }
  [[nodiscard]] std::uint64_t frames() const { return frames_; }

  bool deliver() {
    if (under_way_.empty()) return false;
    auto next = std::move(under_way_.front());
    under_way_.pop_front();
    next();
    return true;
  }

 private:
  template <class Reply, class Message>
  bool send(const Message& message, Done<Reply> done) {
    Bytes frame = wire::encode(message, wire::Envelope{});
    count(frame);
    under_way_.push_back([this, frame = std::move(frame), done = std::move(done)]() mutable {
      const Bytes answer = answer_to(frame);
      count(answer);
      done(wire::decode<Reply>(BytesView(answer).substr(wire::header_bytes)));
    });
    return true;
  }

  Bytes answer_to(BytesView frame) {
    const auto kind = wire::decode_header(frame)->kind;
    const Bytes body(frame.substr(wire::header_bytes));
    if (kind != wire::Kind::replica_write) return *answers_.answer(kind, body, {});
    const auto write = *wire::decode<wire::ReplicaWrite>(body);
    check(copies_.keep(write.scope.partition, {}, write.key, write.record, false).has_value(),
          "a good record is kept");
    return wire::encode(wire::ReplicaWriteReply{}, wire::Envelope{});
  }

  void count(BytesView frame) {
    bytes_ += frame.size();
    frames_ += 1;
  }

  Copies& copies_;
  ComparisonAnswers answers_;
  std::deque<std::move_only_function<void()>> under_way_;
  std::uint64_t bytes_ = 0;
  std::uint64_t frames_ = 0;
};

struct Sizes {
  std::uint64_t records = 1'000'000;
  std::uint32_t partitions = 1024;
  std::size_t value_bytes = 100;
};

class Bench {
 public:
  explicit Bench(const Sizes& sizes)
      : sizes_(sizes), ours_(sizes.partitions), theirs_(sizes.partitions) {}

  void run() {
    for (std::uint64_t i = 0; i < sizes_.records; ++i) {
      const Bytes key = key_of(i);
      ours_.put(key, 1, sizes_.value_bytes);
      theirs_.put(key, 1, sizes_.value_bytes);
    }
    std::printf("%llu records of %zu bytes in %u partitions\n",
                static_cast<unsigned long long>(sizes_.records),
                record_of(key_of(0), 1, sizes_.value_bytes).size(), sizes_.partitions);
    std::printf("%10s %12s %10s %14s %14s %10s\n", "differing", "bytes", "frames", "B a partition",
                "B a key", "seconds");
    const std::uint64_t without = repair(0, 0);
    std::uint64_t version = 2;
    for (const std::uint64_t differing : {1ULL, 100ULL, 10'000ULL}) {
      for (std::uint64_t i = 0; i < differing; ++i) {
        const std::uint64_t number = random_.below(sizes_.records);
        // Half of them are newer here, half there.
        (i % 2 == 0 ? theirs_ : ours_).put(key_of(number), version + i, sizes_.value_bytes);
      }
      version += differing;
      repair(differing, without);
    }
  }

 private:
  std::uint64_t repair(std::uint64_t differing, std::uint64_t without) {
    Other other(theirs_);
    std::vector<PartitionId> partitions;
    for (std::uint32_t p = 0; p < sizes_.partitions; ++p) partitions.push_back(PartitionId{p});
    std::uint64_t repaired = 0;
    const auto begin = std::chrono::steady_clock::now();
    RepairRound round({.store = ours_.store(), .copies = ours_, .others = other}, NodeId{},
                      partitions, {.salt = random_.next()},
                      {.partition = [](const RoundResult&) {},
                       .key =
                           [&repaired](const RepairedKey& key) {
                             if (key.outcome == RepairedKey::Outcome::repaired) ++repaired;
                           }});
    while (!round.is_done()) {
      while (round.step(Instant{})) {
      }
      other.deliver();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    check_equal();
    const auto extra = static_cast<double>(other.bytes() - without);
    std::printf("%10llu %12llu %10llu %14.1f %14.0f %10.3f\n",
                static_cast<unsigned long long>(repaired),
                static_cast<unsigned long long>(other.bytes()),
                static_cast<unsigned long long>(other.frames()),
                static_cast<double>(other.bytes()) / static_cast<double>(sizes_.partitions),
                differing == 0 ? 0.0 : extra / static_cast<double>(repaired), took.count());
    return other.bytes();
  }

  void check_equal() {
    for (std::uint32_t p = 0; p < sizes_.partitions; ++p) {
      const auto* a = ours_.store().tree(PartitionId{p});
      const auto* b = theirs_.store().tree(PartitionId{p});
      check((a == nullptr) == (b == nullptr) && (a == nullptr || a->root() == b->root()),
            "the copies are equal after a repair");
    }
  }

  Sizes sizes_;
  Random random_{7};
  Copies ours_;
  Copies theirs_;
};

template <class Number>
Number number(const char* text, Number otherwise) {
  Number value = otherwise;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

}  // namespace coterie

int main(int argc, char** argv) {
  coterie::Sizes sizes;
  if (argc > 1) sizes.records = coterie::number(argv[1], sizes.records);
  if (argc > 2) sizes.partitions = coterie::number(argv[2], sizes.partitions);
  if (argc > 3) sizes.value_bytes = coterie::number(argv[3], sizes.value_bytes);
  coterie::Bench(sizes).run();
  return 0;
}
