#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "node/coordinator/parts.h"
#include "ring/bucket.h"

namespace coterie::coordinator {

/// The gets that this shard coordinates; see Coordinator.
class Gets {
 public:
  explicit Gets(Parts& parts) : parts_(parts) {}

  struct Start {
    ClientHandle client;
    Instant deadline;
    const Bucket& bucket;
    const Placement& placement;
    BytesView key;
    const wire::Get& get;
  };
  void start(const Start& start, const Now& now);

  void on_answer(const TagParts& tag, NodeId from, const wire::ReplicaReadReply& reply,
                 const Now& now);
  void on_repaired(const TagParts& tag, NodeId from, const Now& now);
  void on_local_durable(const TagParts& tag, const Now& now);
  void on_error(const TagParts& tag, NodeId from, const Error& error, const Now& now);
  void on_peer_lost(NodeId peer, const Now& now);
  void on_deadline(std::uint64_t operation);
  void on_hedge(std::uint64_t operation, const Now& now);

  [[nodiscard]] std::size_t size() const { return operations_.size(); }

 private:
  enum class Read : std::uint8_t {
    idle,
    digest,   // asked for its digest
    full,     // asked for its record
    durable,  // this node: read, not durable yet
    answered,
    failed,
  };
  enum class Repair : std::uint8_t { none, sent, done, failed };

  struct Answer {
    Read read = Read::idle;
    Repair repair = Repair::none;
    bool is_counted = false;  // in PeerLoad
    /// `digest` is of a record that has been merged, or there is none.
    bool is_merged = false;
    std::uint64_t digest = 0;
    Instant asked;
  };

  struct Operation {
    Bytes key;
    Bytes record;  // all full answers merged
    std::uint64_t digest = 0;
    ClientHandle client;
    Instant deadline;
    PartitionId partition;
    ConfigurationNumber configuration;
    Generation generation;  // the lowest of the inputs
    Owners owners;
    std::array<std::uint8_t, limits::replicas_most> order{};
    std::array<Answer, limits::replicas_most> answers{};
    std::uint8_t r = 0;
    Resolver resolver = Resolver::siblings;
    Durability durability = Durability::commit;
    bool is_weak = false;
    bool wants_evidence = false;
    bool is_repairing = false;
    bool differed = false;
    bool has_full = false;
    Error last_error;

    void reset();
  };

  void advance(std::uint64_t id, Operation& operation, const Now& now);
  [[nodiscard]] bool ask_next(std::uint64_t id, Operation& operation, const Now& now);
  void ask(std::uint64_t id, Operation& operation, std::uint8_t owner, bool is_full,
           const Now& now);
  void read_local(std::uint64_t id, Operation& operation);
  void fetch_unmerged(std::uint64_t id, Operation& operation, const Now& now);
  void take(Operation& operation, Answer& answer, std::uint64_t digest, BytesView record,
            Generation generation);
  [[nodiscard]] bool merge(Operation& operation, BytesView record);
  void begin_repair(std::uint64_t id, Operation& operation);
  void repair(std::uint64_t id, Operation& operation, std::uint8_t owner);
  void advance_repair(std::uint64_t id, Operation& operation, const Now& now);
  void repair_rest(std::uint64_t id, Operation& operation);
  void answer(std::uint64_t id, Operation& operation, const Now& now);
  void fail(std::uint64_t id, Operation& operation, ErrorCode code, std::string_view why);
  void settle(Operation& operation, std::uint8_t owner);
  void release(std::uint64_t id, Operation& operation);

  Parts& parts_;
  Slab<Operation> operations_;
};

}  // namespace coterie::coordinator
