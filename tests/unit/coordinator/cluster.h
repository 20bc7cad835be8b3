#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/hlc.h"
#include "base/limits.h"
#include "node/coordinator/coordinator.h"
#include "node/replica/partition_copy.h"
#include "ring/bucket.h"

/// A few nodes that own one partition, each with a coordinator and a copy in memory, joined by a
/// queue of messages that the test delivers, loses or doubles. No thread, no clock: the test moves
/// the time.
namespace coterie::test {

inline constexpr PartitionId partition{0};

struct WriteMessage {
  wire::ReplicaScope scope;
  Bytes key;
  Bytes record;
  bool is_repair = false;
  NodeId intended;
  std::uint8_t owners = 0;
};
struct ReadMessage {
  wire::ReplicaScope scope;
  Bytes key;
  bool digest_only = false;
  bool stands_in = false;
};
struct ScanMessage {
  wire::ReplicaScope scope;
  Bytes from;
  Bytes to;
  std::uint32_t limit_records = 0;
};
struct WriteAnswer {};
struct ReadAnswer {
  std::uint64_t digest = 0;
  Bytes record;
  Generation generation;
  Generation purged;
};
struct ScanAnswer {
  std::vector<coordinator::LocalScan::Entry> entries;
  bool is_truncated = false;
  Generation generation;
  Generation purged;
};

struct Message {
  std::size_t from = 0;
  std::size_t to = 0;
  coordinator::Tag tag;
  Instant deadline;
  std::variant<WriteMessage, ReadMessage, ScanMessage, WriteAnswer, ReadAnswer, ScanAnswer, Error>
      body;

  [[nodiscard]] bool is_request() const { return body.index() < 3; }
  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&body);
  }
};

struct ScanRow {
  Bytes partition_key;
  Bytes sort_key;
  Bytes context;
  std::vector<Bytes> values;
};

/// What a client was told.
struct ClientAnswer {
  std::size_t times = 0;  // must be 1
  std::optional<Error> error;
  Bytes context;
  std::vector<Bytes> values;
  std::uint16_t siblings = 0;
  bool is_weak = false;
  std::uint16_t stand_ins = 0;
  wire::Evidence evidence;
  std::vector<ScanRow> rows;
  Bytes cursor;

  [[nodiscard]] bool is_ok() const { return times > 0 && !error; }
  [[nodiscard]] std::optional<ErrorCode> code() const {
    return error ? std::optional(error->code) : std::nullopt;
  }
};

class Cluster;

/// The partition as one node knows it.
struct Ring {
  ConfigurationNumber configuration{1};
  std::vector<coordinator::Owner> owners;
  transition::Groups groups;
};

/// One owner: the driver of a shard, in small.
class Node final : public coordinator::LocalReplica, public coordinator::Outbox {
 public:
  Node(Cluster& cluster, std::size_t index);

  // what the test may set
  bool is_durable_at_once = true;
  bool is_written_at_once = false;     // then what asks for interval durability has it at once
  std::optional<Error> local_error;    // every local answer
  std::optional<Error> replica_error;  // every answer to a peer
  std::set<std::size_t> cut_from;      // sends to these are refused
  Generation heard_of;                 // the latest purge that heard_of_purge() told of
  replica::PartitionCopy copy;
  std::map<Bytes, Bytes> records;

  coordinator::Coordinator& coordinator() { return *coordinator_; }
  /// What was written becomes durable: waiting votes and answers go out.
  void sync();
  [[nodiscard]] bool waits_for_sync() const { return !waiting_.empty() || !answers_.empty(); }
  /// The connection with a peer has gone, and with it what was to be answered over it.
  void forget_answers_to(std::size_t peer);
  /// Forgets what was not durable and all that ran, and starts again.
  void crash(ActorId fresh);
  void serve(const Message& message);
  void set_options(const coordinator::Options& options);

  [[nodiscard]] std::optional<BytesView> record(BytesView key) const;
  [[nodiscard]] const std::vector<std::pair<Bytes, std::size_t>>& hints() const { return hints_; }

  Result<coordinator::LocalMinted> mint(const wire::ReplicaScope& scope,
                                        const coordinator::LocalPut& put,
                                        coordinator::Tag tag) override;
  Result<coordinator::LocalMerged> merge(const wire::ReplicaScope& scope, BytesView key,
                                         BytesView record, Resolver resolver,
                                         coordinator::Tag tag) override;
  Result<coordinator::LocalRead> read(const wire::ReplicaScope& scope, BytesView key,
                                      std::optional<Durability> durability,
                                      coordinator::Tag tag) override;
  Result<coordinator::LocalScan> scan(const wire::ReplicaScan& message,
                                      coordinator::Tag tag) override;
  void heard_of_purge(PartitionId of, Generation purged) override;

  std::uint32_t send(std::span<const coordinator::Target> targets,
                     const wire::ReplicaWrite& message, Instant deadline) override;
  std::uint32_t send(std::span<const coordinator::Target> targets, const wire::ReplicaRead& message,
                     Instant deadline) override;
  std::uint32_t send(std::span<const coordinator::Target> targets, const wire::ReplicaScan& message,
                     Instant deadline) override;
  void reply(coordinator::ClientHandle client, const wire::PutReply& reply) override;
  void reply(coordinator::ClientHandle client, const wire::GetReply& reply) override;
  void reply(coordinator::ClientHandle client, const wire::ScanReply& reply) override;
  void fail(coordinator::ClientHandle client, const Error& error) override;
  void leave_hint(PartitionId of, BytesView key, NodeId target) override;
  void seek_epoch(NodeId from, EpochNumber epoch) override;
  coordinator::Placement placement(PartitionId of, bool is_sloppy, bool is_put) override;
  /// This node learns of a ring, and goes on with what waits for it.
  void learn(const Ring& later);
  [[nodiscard]] const std::vector<std::size_t>& sought() const { return sought_; }

  std::optional<Ring> ring;  // none: that of the cluster

 private:
  std::uint32_t send_to(std::span<const coordinator::Target> targets, Instant deadline,
                        const decltype(Message::body)& body);
  [[nodiscard]] Result<void> merge_here(BytesView key, BytesView record, bool is_repair);
  [[nodiscard]] decltype(Message::body) answer_to(const Message& message);
  /// Whether it is durable now; if not, `tag` waits for sync().
  [[nodiscard]] bool vote(Durability durability, coordinator::Tag tag);

  Cluster& cluster_;
  std::size_t index_;
  HybridClock clock_;
  std::map<Bytes, Bytes> durable_;
  Bytes scratch_;
  std::vector<coordinator::Tag> waiting_;
  std::vector<Message> answers_;  // wait for sync()
  std::vector<std::pair<Bytes, std::size_t>> hints_;
  std::vector<std::size_t> sought_;  // nodes whose epoch was asked for
  coordinator::Options options_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
};

struct PutOptions {
  Bytes context;
  bool is_delete = false;
  RequestId id;
  std::uint8_t w = 0;
  wire::Durability durability = wire::Durability::bucket_default;
  std::uint64_t time_to_live_ms = 0;
  bool want_evidence = false;
  Duration deadline = std::chrono::seconds(1);
};

struct GetOptions {
  std::uint8_t r = 0;
  bool want_evidence = false;
  Duration deadline = std::chrono::seconds(1);
};

class Cluster {
 public:
  Cluster(std::size_t owners, std::uint32_t r, std::uint32_t w,
          Resolver resolver = Resolver::siblings);
  /// Nodes behind the owners, that may stand in for them from now on.
  void add_fallbacks(std::size_t count);

  /// Each returns the client's handle.
  std::uint64_t put(std::size_t at, BytesView key, BytesView value, const PutOptions& options = {});
  std::uint64_t get(std::size_t at, BytesView key, const GetOptions& options = {});
  std::uint64_t scan(std::size_t at, const wire::Scan& scan, const KeyRange& range);

  /// The answer of a request so far.
  [[nodiscard]] const ClientAnswer& answer(std::uint64_t client) { return answers[client]; }

  /// Delivers all messages, and those that follow from them, in order.
  void deliver_all();
  /// The oldest message for which `which` holds: delivered, or taken away. False: none.
  bool deliver(const std::function<bool(const Message&)>& which);
  std::optional<Message> take(const std::function<bool(const Message&)>& which);
  void deliver(const Message& message);
  /// Moves the time and lets each coordinator look at it.
  void pass(Duration time);

  /// put/get/deliver_all in one; the request must be answered.
  const ClientAnswer& put_now(std::size_t at, BytesView key, BytesView value,
                              const PutOptions& options = {});
  const ClientAnswer& get_now(std::size_t at, BytesView key, const GetOptions& options = {});

  /// Nodes behind the owners, that own nothing yet.
  void add_nodes(std::size_t count);
  /// A ring in which the first nodes are the old owners, in their order, and these the new ones.
  [[nodiscard]] Ring changing(Stage stage, std::uint64_t configuration,
                              const std::vector<std::size_t>& new_owners) const;
  [[nodiscard]] coordinator::Placement placement(const Node& at) const;

  [[nodiscard]] NodeId id_of(std::size_t index) const { return NodeId{.high = 1, .low = index}; }
  [[nodiscard]] std::size_t index_of(NodeId id) const { return id.low; }
  [[nodiscard]] static Bytes key(BytesView partition_key, BytesView sort_key = {});

  Bucket bucket;
  coordinator::Now now{.time = Instant(std::chrono::seconds(100)),
                       .wall = WallTime(std::chrono::seconds(1'000'000))};
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<Message> queue;
  std::map<std::uint64_t, ClientAnswer> answers;
  std::vector<coordinator::Owner> owners;
  transition::Groups groups;
  std::vector<NodeId> fallbacks;
  bool are_hints_full = false;
  ConfigurationNumber configuration{1};
  std::function<void(std::size_t node, const Dot&, Timestamp, const wire::Put&)> on_mint;

 private:
  template <class Start>
  std::uint64_t request(std::size_t at, Duration deadline, const Start& start);

  std::uint64_t next_client_ = 0;
};

}  // namespace coterie::test
