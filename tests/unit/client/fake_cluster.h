#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/env/transport.h"
#include "base/wire/codec.h"
#include "client/core.h"
#include "tests/unit/client/fake_time.h"

namespace coterie::client_tests {

/// What a fake node was asked.
struct Request {
  std::size_t node = 0;
  ShardIndex shard;
  wire::FrameHeader header;
  Bytes body;

  [[nodiscard]] wire::Put put() const { return *wire::decode<wire::Put>(body); }
  [[nodiscard]] wire::Get get() const { return *wire::decode<wire::Get>(body); }
  [[nodiscard]] wire::Scan scan() const { return *wire::decode<wire::Scan>(body); }
};

/// What it does then.
struct Answer {
  enum class Kind { reply, silence, hang_up };
  Kind kind = Kind::reply;
  Bytes frame;

  static Answer silence() { return {Kind::silence, {}}; }
  static Answer hang_up() { return {Kind::hang_up, {}}; }
  static Answer error(ErrorCode code, std::uint32_t retry_after_ms = 0) {
    return {Kind::reply, wire::encode(wire::ErrorReply{.code = code,
                                                       .retry_after_ms = retry_after_ms,
                                                       .message = "said by the test"},
                                      {})};
  }
  template <class Reply>
  static Answer of(const Reply& reply) {
    return {Kind::reply, wire::encode(reply, {})};
  }
};

/// Three nodes of two shards behind a transport, all in one thread on virtual time. They answer the
/// ring by themselves and the rest as `answer` says.
class FakeCluster final : public Transport {
 public:
  static constexpr std::size_t nodes = 3;
  static constexpr Duration latency = std::chrono::microseconds(100);

  explicit FakeCluster(FakeTime& time);

  // What the test arranges.
  std::function<Answer(const Request&)> answer;
  std::array<bool, nodes> is_up{true, true, true};  // its door answers dials
  std::array<RunId, nodes> runs{RunId{11}, RunId{12}, RunId{13}};
  std::array<wire::Liveness, nodes> liveness{wire::Liveness::alive, wire::Liveness::alive,
                                             wire::Liveness::alive};
  std::array<bool, nodes> is_deaf{};  // accepts connections and says nothing at all
  std::shared_ptr<const Epoch> epoch;
  std::shared_ptr<const Epoch> other_cluster;  // what node 0 belongs to, where set

  // What it saw.
  std::vector<Request> requests;  // without those for the ring
  std::size_t ring_requests = 0;
  std::vector<std::pair<Address, wire::Hello>> dials;

  void attach(TransportHandler& handler) { handler_ = &handler; }
  [[nodiscard]] static std::string address(std::size_t node);
  [[nodiscard]] NodeId id(std::size_t node) const { return epoch->members()[node].id; }
  [[nodiscard]] std::size_t node_of(NodeId id) const { return *epoch->member_index(id); }
  /// Breaks all connections to a node.
  void cut(std::size_t node);
  /// Sends a frame that nobody asked for on all open connections to a node.
  void say(std::size_t node, const Bytes& frame);
  [[nodiscard]] std::size_t open_connections() const { return connections_.size(); }
  [[nodiscard]] std::size_t connections_to(std::size_t node) const {
    std::size_t count = 0;
    for (const auto& [id, connection] : connections_) count += connection.node == node ? 1 : 0;
    return count;
  }

  ConnectionId dial(const Address& to, const wire::Hello& ours) override;
  [[nodiscard]] bool send(ConnectionId connection, Bytes frame) override;
  void close(ConnectionId connection) override { connections_.erase(connection); }
  [[nodiscard]] std::size_t queued_bytes(ConnectionId) const override { return 0; }
  void pause_reading(ConnectionId, bool) override {}

 private:
  struct Connection {
    std::size_t node = 0;
    ShardIndex shard;
    bool is_open = false;
    std::vector<Bytes> waiting;
  };

  void arrive(ConnectionId id, Bytes frame);
  void deliver(ConnectionId id, Bytes frame, std::uint64_t request_id);
  [[nodiscard]] Bytes ring_reply(const wire::RingRequest& request, std::size_t node) const;

  FakeTime& time_;
  TransportHandler* handler_ = nullptr;
  std::uint64_t last_ = 0;
  std::map<ConnectionId, Connection> connections_;
};

/// A core over a fake cluster.
struct Bench {
  explicit Bench(client::Options options = {}, std::vector<std::string> seeds = {});
  ~Bench() { core.close(); }

  FakeTime time;
  FakeCluster cluster;
  client::ClientCore core;

  /// Runs a call to its end.
  Result<client::GetResult> get(const std::string& key, const client::GetOptions& options = {});
  Result<client::PutResult> put(const std::string& key, const Bytes& value,
                                const client::PutOptions& options = {});
  Result<client::ScanPage> scan(const client::Range& range, const client::Cursor& cursor = {});
  Result<std::shared_ptr<const Epoch>> ready();
  [[nodiscard]] std::vector<std::size_t> owners(const std::string& key) const;
};

[[nodiscard]] client::Key key_of(const std::string& key);

}  // namespace coterie::client_tests
