#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/coordinator/parts.h"
#include "ring/bucket.h"

namespace coterie::coordinator {

/// The gets that this shard coordinates; see Coordinator.
///
/// One owner is asked for its record, R-1 for the digest of theirs. An answer is settled once its
/// digest is that of a record that has been merged (or of none); owners whose digests are not are
/// asked for their records in turn. R settled answers make the result; those of them that lack
/// some of it are repaired, then the client is answered, then the owners that were not asked are
/// repaired. An owner that fails or is late is replaced by a further one, where the read is sloppy
/// at last by fallbacks: those that a write would have taken in the place of the same owners. They
/// answer from their hints, and are not repaired.
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
  void on_deadline(std::uint64_t id);
  void on_hedge(std::uint64_t id, const Now& now);
  /// The ring has changed.
  void on_ring(const Now& now);

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
    bool is_counted = false;   // in PeerLoad
    bool is_settled = false;   // `digest` is of a record that has been merged, or of none
    bool may_be_bare = false;  // it said that it may lack data: repaired with the rest
    std::uint64_t digest = 0;  // 0: none known, or no record
    Generation generation;     // under which it was read
    Instant asked;
  };

  struct Operation {
    Bytes key;
    Bytes record;                // all full answers merged; empty: none
    std::size_t held_bytes = 0;  // of `record`, as Parts counts them
    std::uint64_t digest = 0;    // of `record`
    ClientHandle client;
    Instant deadline;
    PartitionId partition;
    ConfigurationNumber configuration;
    Generation generation;  // the lowest of the inputs
    Generation purged;      // of the latest purge that an owner has told of
    Owners owners;
    PlaceOrder order{};
    transition::PlaceQuorum quorum;
    std::array<Answer, places_most> answers{};
    std::uint8_t r = 0;
    std::uint8_t w = 0;  // the bucket's
    std::uint8_t restarts = 0;
    Resolver resolver = Resolver::siblings;
    Durability durability = Durability::commit;
    bool is_sloppy = false;
    bool is_stale = false;  // an owner has fenced a later configuration
    bool is_weak = false;
    bool wants_evidence = false;
    bool is_repairing = false;
    bool differed = false;
    bool is_hedged = false;
    bool has_full = false;  // somebody has answered with a record, or that there is none
    std::string last_error;

    void reset();
    [[nodiscard]] bool holds_result(std::size_t owner) const;
    /// Fallbacks that R rests on.
    [[nodiscard]] std::uint16_t stand_ins() const;
    /// Why R is not reached, in words.
    [[nodiscard]] std::string too_few() const;
  };

  [[nodiscard]] Operation* find(const TagParts& tag, NodeId from);
  void advance(std::uint64_t id, Operation& operation, const Now& now);
  void fetch_unsettled(std::uint64_t id, Operation& operation, const Now& now);
  [[nodiscard]] bool ask_next(std::uint64_t id, Operation& operation, const Now& now);
  void ask(std::uint64_t id, Operation& operation, std::uint8_t owner, bool is_full,
           const Now& now);
  void read_local(std::uint64_t id, Operation& operation);
  void take_digest(Operation& operation, Answer& answer, std::uint64_t digest);
  void take_record(Operation& operation, Answer& answer, const wire::ReplicaReadReply& reply);
  void settle(Operation& operation, Answer& answer, std::uint64_t digest);
  [[nodiscard]] Result<std::uint64_t> merge(Operation& operation, BytesView record);
  [[nodiscard]] bool mixes_purges(const Operation& operation) const;
  void restart(std::uint64_t id, Operation& operation, const Now& now);
  [[nodiscard]] bool move_on(std::uint64_t id, Operation& operation, const Now& now);
  void begin_anew(std::uint64_t id, Operation& operation, std::uint64_t next, const Now& now);
  void begin_repair(std::uint64_t id, Operation& operation, const Now& now);
  void advance_repair(std::uint64_t id, Operation& operation, const Now& now);
  [[nodiscard]] bool repair_another(std::uint64_t id, Operation& operation);
  void repair(std::uint64_t id, Operation& operation, std::uint8_t owner);
  [[nodiscard]] static bool may_replace_damaged(const Operation& operation);
  void repair_rest(std::uint64_t id, Operation& operation);
  void answer(std::uint64_t id, Operation& operation, const Now& now);
  void fail(std::uint64_t id, Operation& operation, ErrorCode code, std::string_view why);
  void note_generations(Operation& operation, Answer& answer, Generation generation,
                        Generation purged);
  void drop(Operation& operation, std::uint8_t owner, const Error& error);
  void add_hedge_timer(std::uint64_t id, const Operation& operation, const Now& now);
  void uncount(Operation& operation, std::size_t owner);
  void release(std::uint64_t id, Operation& operation);

  Parts& parts_;
  Slab<Operation> operations_;
};

}  // namespace coterie::coordinator
