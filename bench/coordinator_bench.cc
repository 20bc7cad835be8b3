/// What a put (N=3, W=2) and a get (R=2) cost in the pure request logic alone: no codec, no socket,
/// no log; the store is a hash map and peers answer at once. Prints nanoseconds a request.

#include <chrono>
#include <cstdio>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hlc.h"
#include "base/limits.h"
#include "node/coordinator/coordinator.h"
#include "node/replica/merge.h"
#include "node/replica/mint.h"
#include "node/replica/minted_keys.h"
#include "node/replica/read.h"
#include "storage/key.h"

namespace {

using namespace coterie;
using namespace coterie::coordinator;

constexpr PartitionId partition{0};

class BenchReplica final : public LocalReplica {
 public:
  Result<LocalMinted> mint(const wire::ReplicaScope&, const LocalPut& put, Tag) override {
    Bytes& stored = records[Bytes(put.key)];
    Result<replica::Minted> minted = replica::mint(
        copy_, clock_, put.key, stored.empty() ? std::nullopt : std::optional<BytesView>(stored),
        {.id = put.put.id,
         .context = put.put.context,
         .value = put.put.value,
         .resolver = put.resolver,
         .now = put.now,
         .minted_before = minted_keys_.sequence(put.key, copy_.actor())});
    if (!minted) return std::unexpected(minted.error());
    minted_keys_.note(put.key, minted->dot);
    stored = std::move(minted->record);
    return LocalMinted{.record = stored,
                       .context = std::move(minted->context),
                       .dot = minted->dot,
                       .timestamp = minted->timestamp,
                       .siblings = minted->siblings,
                       .is_durable = true};
  }
  Result<LocalMerged> merge(const wire::ReplicaScope&, BytesView, BytesView, Resolver,
                            Tag) override {
    return LocalMerged{.is_durable = true};
  }
  Result<LocalRead> read(const wire::ReplicaScope&, BytesView key, std::optional<Durability>,
                         Tag) override {
    const Bytes& stored = records[Bytes(key)];
    const Result<std::uint64_t> digest = replica::read_digest(key, stored);
    if (!digest) return std::unexpected(digest.error());
    return LocalRead{.digest = *digest, .record = stored, .is_durable = true};
  }
  Result<LocalScan> scan(const wire::ReplicaScan& /*message*/, Tag) override {
    return LocalScan{.is_durable = true};
  }
  void heard_of_purge(PartitionId, Generation) override {}

  std::unordered_map<Bytes, Bytes> records;

 private:
  replica::PartitionCopy copy_{partition, ActorId{7}, ConfigurationNumber{1}, Generation{0}};
  HybridClock clock_;
  replica::MintedKeys minted_keys_{limits::minted_keys};
};

class BenchOutbox final : public Outbox {
 public:
  std::uint32_t send(std::span<const Target> targets, const wire::ReplicaWrite&, Instant) override {
    writes.insert(writes.end(), targets.begin(), targets.end());
    return 0;
  }
  std::uint32_t send(std::span<const Target> targets, const wire::ReplicaRead&, Instant) override {
    reads.insert(reads.end(), targets.begin(), targets.end());
    return 0;
  }
  std::uint32_t send(std::span<const Target>, const wire::ReplicaScan&, Instant) override {
    return 0;
  }
  void reply(ClientHandle, const wire::PutReply& reply) override {
    ++replies;
    context.assign(reply.context);
  }
  void reply(ClientHandle, const wire::GetReply& reply) override {
    replies += reply.siblings.size();
  }
  void reply(ClientHandle, const wire::ScanReply&) override {}
  void fail(ClientHandle, const Error&) override {}
  void leave_hint(PartitionId, BytesView, NodeId) override {}
  void seek_epoch(NodeId, EpochNumber) override {}
  Placement placement(PartitionId, bool, bool) override { return {}; }

  std::vector<Target> writes;
  std::vector<Target> reads;
  std::size_t replies = 0;
  Bytes context;
};

double ns_each(std::chrono::steady_clock::time_point begun, std::size_t count) {
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begun;
  return taken.count() / static_cast<double>(count);
}

}  // namespace

int main() {
  BenchReplica local;
  BenchOutbox outbox;
  const std::vector<Owner> owners{{.node = {1, 1}}, {.node = {1, 2}}, {.node = {1, 3}}};
  const Placement placement{
      .partition = partition, .configuration = ConfigurationNumber{1}, .owners = owners};
  const Bucket bucket{.id = BucketId{1}, .name = "bench"};
  Coordinator coordinator(owners[0].node, local, outbox);
  std::vector<Bytes> keys;
  for (std::size_t i = 0; i < 100'000; ++i) {
    keys.push_back(
        encode_key({.token = Token{i}, .bucket = bucket.id, .partition_key = std::to_string(i)})
            .value());
  }
  const Bytes value(100, 'v');
  std::vector<Bytes> contexts(keys.size());
  Now now{.time = Instant(std::chrono::seconds(1)), .wall = WallTime(std::chrono::seconds(1))};

  for (int round = 0; round < 4; ++round) {
    auto begun = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      now.time += std::chrono::microseconds(5);
      coordinator.put({.client = {i},
                       .deadline = now.time + std::chrono::seconds(5),
                       .bucket = bucket,
                       .placement = placement},
                      keys[i],
                      {.id = {static_cast<std::uint64_t>(round + 1), i},
                       .context = contexts[i],
                       .value = value},
                      now);
      for (const Target& target : outbox.writes) {
        coordinator.on_reply(target.tag, target.node, wire::ReplicaWriteReply{}, now);
      }
      outbox.writes.clear();
      contexts[i] = outbox.context;
      if (i % 200 == 0) coordinator.on_time(now);
    }
    std::printf("put %.0f ns\n", ns_each(begun, keys.size()));

    std::vector<std::uint64_t> digest(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      digest[i] = replica::read_digest(keys[i], local.records[keys[i]]).value();
    }
    begun = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      now.time += std::chrono::microseconds(5);
      coordinator.get({.client = {i},
                       .deadline = now.time + std::chrono::seconds(5),
                       .bucket = bucket,
                       .placement = placement},
                      keys[i], {}, now);
      for (const Target& target : outbox.reads) {
        coordinator.on_reply(target.tag, target.node, wire::ReplicaReadReply{.digest = digest[i]},
                             now);
      }
      outbox.reads.clear();
      if (i % 200 == 0) coordinator.on_time(now);
    }
    std::printf("get %.0f ns\n", ns_each(begun, keys.size()));
  }
  if (outbox.replies != 8 * keys.size() || coordinator.counters().mismatches != 0) {
    std::printf("not all requests were answered\n");
    return 1;
  }
  return 0;
}
