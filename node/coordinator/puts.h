#pragma once

#include <array>
#include <cstdint>
#include <deque>
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

  /// An owner holds it durably; this node's own place for the local vote.
  void on_vote(std::uint64_t operation, std::uint8_t owner, NodeId from);
  /// An owner does not, or its answer will not come.
  void on_refusal(std::uint64_t operation, std::uint8_t owner, NodeId from, const Error& error);
  void on_peer_lost(NodeId peer);
  void on_deadline(std::uint64_t operation);

  [[nodiscard]] std::size_t size() const { return operations_.size(); }

 private:
  enum class Vote : std::uint8_t { waiting, yes, no };

  struct Operation {
    Bytes key;
    Bytes context;  // for the reply
    std::vector<ClientHandle> clients;
    RequestId request;
    PartitionId partition;
    Owners owners;
    std::array<Vote, limits::replicas_most> votes{};
    std::uint8_t w = 0;
    std::uint8_t yes = 0;
    std::uint8_t no = 0;
    std::uint16_t siblings = 0;
    std::uint16_t hints = 0;
    bool is_weak = false;
    bool wants_evidence = false;
    bool is_answered = false;
    Error last_error;

    void reset();
  };

  struct Minting;

  void mint(const Start& start, Minting& minting, const Now& now);
  void try_again(const Start& start, RequestMemory::Entry& known, const Now& now);
  [[nodiscard]] bool resend(const Start& start, Minting& minting, const Dot& dot);
  void replicate(const Start& start, const Minting& minting, BytesView record,
                 Generation generation);
  void settle(std::uint64_t id, Operation& operation);
  void answer(Operation& operation);
  void give_up(Operation& operation, std::string_view why);
  void refuse(const Start& start, Error error);
  void hint(Operation& operation, std::size_t owner);
  void finish(std::uint64_t id, Operation& operation);
  void bound_waiting(std::uint64_t id);

  Parts& parts_;
  Slab<Operation> operations_;
  RequestMemory memory_;
  std::deque<std::uint64_t> waiting_;  // answered while owners were missing, oldest first
};

}  // namespace coterie::coordinator
