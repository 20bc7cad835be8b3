#pragma once

#include <memory>

#include "base/env/clock.h"
#include "node/durable_gate.h"
#include "node/local_copies.h"
#include "node/peer_calls.h"
#include "node/ring_view.h"
#include "node/transfer/purge.h"

namespace coterie {

/// Brings a purge round's questions to the owners: this shard's own copies, and peers. Answers of
/// its own copies wait until what they rest on is synced, as those of peers do.
class PurgePerformer final : public transfer::PurgePort {
 public:
  struct Parts {
    NodeId self;
    const Clock& clock;
    LocalCopies& copies;
    DurableGate& gate;
    PeerCalls& calls;
  };

  explicit PurgePerformer(const Parts& parts) : parts_(parts) {}

  void set_view(std::shared_ptr<const RingView> view) { view_ = std::move(view); }

  void list(NodeId owner, PartitionId partition, BytesView from,
            Done<transfer::PurgeListing> done) override;
  void raise(NodeId owner, PartitionId partition, const Raise& to, Done<Generation> done) override;
  void apply(NodeId owner, PartitionId partition, Generation generation,
             std::span<const transfer::PurgeEntry> entries, Done<void> done) override;
  [[nodiscard]] bool is_alive(NodeId node) const override;
  [[nodiscard]] WallTime wall_now() const override;

 private:
  [[nodiscard]] wire::ReplicaScope scope(PartitionId partition, Generation generation) const;
  template <class Reply, class Out, class Message>
  void ask(NodeId owner, const Message& message, Done<Out> done,
           Result<Out> (*take)(const Reply& reply));

  Parts parts_;
  std::shared_ptr<const RingView> view_;
};

}  // namespace coterie
