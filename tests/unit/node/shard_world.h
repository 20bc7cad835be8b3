#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/wire/codec.h"
#include "node/shard.h"
#include "storage/key.h"
#include "storage/memory_store.h"
#include "tests/unit/node/hand_time.h"
#include "tests/unit/node/noting_transport.h"
#include "tests/unit/node/samples.h"

namespace coterie {

class NoMesh final : public Mesh {
 public:
  bool pass_on(ShardIndex /*to*/, PassedFrame frame) override {
    passed.push_back(std::move(frame));
    return true;
  }
  void answer(ShardIndex /*to*/, coordinator::ClientHandle client, Bytes frame) override {
    answered.emplace_back(client, std::move(frame));
  }
  void seek_epoch(NodeId from) override { sought.push_back(from); }
  std::vector<NodeId> sought;
  std::vector<PassedFrame> passed;
  std::vector<std::pair<coordinator::ClientHandle, Bytes>> answered;
};

/// Shard 0 of node 1 of a sample epoch, on a loop that the test turns by hand.
struct ShardWorld {
  static constexpr ConnectionId client{1};
  static constexpr ConnectionId peer{2};

  explicit ShardWorld(std::size_t nodes = 3, std::uint16_t shards = 1)
      : epoch(sample_epoch(nodes)),
        shard(Shard::Environment{.clock = clock,
                                 .timers = timers,
                                 .turns = turns,
                                 .store = store,
                                 .mesh = mesh,
                                 .log = log},
              Shard::Options{.node = node_id(1),
                             .run = RunId{9},
                             .shards = shards,
                             .anti_entropy = {.enabled = false}},
              Random(4), view()) {
    shard.attach(transport);
    shard.on_open(client, wire::Hello{.role = wire::Role::client});
    shard.on_open(
        peer,
        wire::Hello{.role = wire::Role::peer, .cluster = epoch->cluster(), .node = node_id(2)});
  }

  std::shared_ptr<const RingView> view() const {
    auto out = std::make_shared<RingView>();
    out->epoch = epoch;
    for (const auto& member : epoch->members()) {
      PeerView seen{.node = member.id, .liveness = wire::Liveness::alive};
      seen.meta.peer = {.host = "127.0.0.1",
                        .port = static_cast<std::uint16_t>(7000 + member.id.low)};
      seen.meta.shards = 1;
      out->peers.push_back(seen);
    }
    return out;
  }

  /// As if it had come in on a connection.
  template <class Message>
  void hear(ConnectionId connection, const Message& message, std::uint64_t request_id = 7) {
    receive(connection, wire::encode(message, {.request_id = request_id}));
  }
  void receive(ConnectionId connection, const Bytes& frame) {
    // of the allocator's alignment, as a body in the transport's buffers is
    const Bytes body = frame.substr(wire::header_bytes);
    shard.on_frame(connection, *wire::decode_header(frame), body);
  }
  /// The frames sent on a connection since the last call.
  std::vector<Bytes> take(ConnectionId connection) {
    std::vector<Bytes> out;
    for (auto& [to, frame] : transport.sent) {
      if (to == connection) out.push_back(std::move(frame));
    }
    std::erase_if(transport.sent, [&](const auto& entry) { return entry.first == connection; });
    return out;
  }
  static wire::Kind kind(const Bytes& frame) { return wire::decode_header(frame)->kind; }
  /// The code of an error frame; nothing if it is another.
  static std::optional<ErrorCode> error(const Bytes& frame) {
    if (kind(frame) != wire::Kind::error) return std::nullopt;
    const Bytes body = frame.substr(wire::header_bytes);
    return wire::decode<wire::ErrorReply>(body)->code;
  }
  /// The connection that was dialled to a node; 0 if none was.
  ConnectionId link_to(std::uint64_t node) const {
    for (std::size_t i = transport.dialled.size(); i-- > 0;) {
      if (transport.dialled[i].first.port == 7000 + node) {
        return ConnectionId{NotingTransport::first_dialled + i};
      }
    }
    return {};
  }

  Bytes key(std::string_view text, std::uint32_t bucket = 1) const {
    return *encode_key({.token = epoch->token(BucketId{bucket}, text),
                        .bucket = BucketId{bucket},
                        .partition_key = text,
                        .sort_key = {}});
  }
  wire::ReplicaScope scope(BytesView key) const {
    const auto partition = epoch->partition(decode_key(key)->token);
    return {.partition = partition, .configuration = epoch->configuration(partition)};
  }
  static wire::Get get(std::string_view text) {
    return {.key = {.bucket = BucketId{1}, .partition_key = text, .sort_key = {}}};
  }
  static wire::Put put(std::string_view text, std::string_view value, std::uint64_t id = 1) {
    return {.id = {.high = 1, .low = id},
            .key = {.bucket = BucketId{1}, .partition_key = text, .sort_key = {}},
            .value = value};
  }

  std::shared_ptr<const Epoch> epoch;
  HandClock clock;
  HandTimers timers{clock};
  HandTurns turns{clock};
  MemoryStore store{16, MemoryStore::Durability::by_hand};
  NoMesh mesh;
  NoLog log;
  NotingTransport transport;
  Shard shard;
};

}  // namespace coterie
