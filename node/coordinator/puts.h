#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "node/coordinator/parts.h"
#include "node/coordinator/request_memory.h"
#include "ring/bucket.h"

namespace coterie::coordinator {

/// The puts (and deletes) that this shard coordinates; see Coordinator.
class Puts {
 public:
  explicit Puts(Parts& parts);

  struct Start {
    ClientHandle client;
    Instant deadline;
    const Bucket& bucket;
    const Placement& placement;
    BytesView key;
    const wire::Put& put;
  };
  void start(const Start& start, const Now& now);
  [[nodiscard]] bool remembers(RequestId id, Instant now) {
    return memory_.find(id, now) != nullptr;
  }

  /// An owner holds it durably; for this node too, whose vote is the driver's word.
  void on_vote(const TagParts& tag, NodeId from);
  /// An owner does not, or its answer will not come.
  void on_refusal(const TagParts& tag, NodeId from, const Error& error, const Now& now);
  void on_peer_lost(NodeId peer, const Now& now);
  /// puts_moves.cc: the ring has changed. What was refused for that goes on under it.
  void on_ring(const Now& now);
  void on_deadline(std::uint64_t id, const Now& now);
  /// puts_stand_ins.cc: who was asked has been silent for limits::stand_in_patience.
  void on_late(std::uint64_t id, const Now& now);

  [[nodiscard]] std::size_t size() const { return operations_.size(); }

 private:
  enum class Vote : std::uint8_t {
    idle,  // a fallback that has not been asked
    waiting,
    yes,
    no,
  };

  struct Operation {
    Bytes key;
    Bytes context;  // for the reply
    std::vector<ClientHandle> clients;
    Instant deadline;
    RequestId request;
    PartitionId partition;
    ConfigurationNumber configuration;
    Dot dot;
    Owners owners;
    std::array<Vote, places_most> votes{};
    std::array<std::uint8_t, places_most> sent_again{};  // for a purge in between
    std::array<std::uint8_t, places_most> stands_for{};  // a fallback: the owner's place
    transition::PlaceQuorum quorum;
    // A bit a place.
    transition::Places yes = 0;
    transition::Places no = 0;
    transition::Places late = 0;   // silent for long
    transition::Places stale = 0;  // has fenced a later configuration; its vote waits for the ring
    std::uint8_t w = 0;
    std::uint8_t owners_needed = 0;    // before a hint may go
    std::uint8_t stand_ins_known = 0;  // of an earlier try that is answered again
    Durability durability = Durability::commit;
    std::uint16_t siblings = 0;
    std::uint16_t hints = 0;
    bool is_sloppy = false;
    bool is_weak = false;
    bool wants_evidence = false;
    bool is_answered = false;
    std::string last_error;

    void reset();
    void place(const Owners& among);
    [[nodiscard]] bool is_waiting() const;
    /// Fallbacks that W rests on.
    [[nodiscard]] std::uint8_t stand_ins() const;
    [[nodiscard]] transition::Places hoped_for(bool with_late) const;
    [[nodiscard]] std::uint8_t lacking() const;
  };

  /// What is sent to the other owners.
  struct Message {
    BytesView record;
    Generation generation;
    bool is_durable = false;  // here
  };

  void mint(const Start& start, const Owners& owners, std::uint32_t w, const Now& now);
  void try_again(const Start& start, const Owners& owners, std::uint32_t w,
                 RequestMemory::Entry& known, const Now& now);
  [[nodiscard]] bool join_running(const Start& start, std::uint32_t w,
                                  const RequestMemory::Entry& known);
  void send_again(const Start& start, const Owners& owners, std::uint32_t w,
                  RequestMemory::Entry& known, const Now& now);
  [[nodiscard]] std::optional<std::uint64_t> begin(const Start& start, const Owners& owners,
                                                   std::uint32_t w);
  void replicate(std::uint64_t id, const Message& message, const Now& now);
  [[nodiscard]] bool send_current(const TagParts& tag, Operation& operation, Generation purged);
  [[nodiscard]] bool send_record(const TagParts& tag, Operation& operation, Generation least);
  // puts_moves.cc
  [[nodiscard]] bool wait_for_ring(const TagParts& tag, Operation& operation, const Error& error,
                                   const Now& now);
  [[nodiscard]] bool has_left(const Operation& operation) const;
  [[nodiscard]] bool move_on(std::uint64_t id, Operation& operation, const Now& now);
  void drop(std::uint64_t id, Operation& operation);
  // puts_stand_ins.cc
  [[nodiscard]] bool can_reach_w(std::uint64_t id, Operation& operation);
  [[nodiscard]] bool stand_in(std::uint64_t id, Operation& operation);
  void add_late_timer(std::uint64_t id, const Operation& operation, const Now& now);
  void settle(std::uint64_t id, Operation& operation);
  void answer(Operation& operation);
  void answer(const Operation& operation, ClientHandle client, bool is_weak);
  void give_up(Operation& operation, std::string_view why);
  void refuse(ClientHandle client, const Error& error);
  void vote(Operation& operation, std::size_t owner, Vote vote);
  void give_up_waiting(Operation& operation);
  static void remember(RequestMemory::Entry& entry, const Operation& operation);
  void finish(std::uint64_t id, Operation& operation);
  void bound_waiting(std::uint64_t id);

  Parts& parts_;
  Slab<Operation> operations_;
  RequestMemory memory_;
  std::deque<std::uint64_t> waiting_;  // answered while owners were missing, oldest first
};

}  // namespace coterie::coordinator
