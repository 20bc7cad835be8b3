#pragma once

#include <memory>

#include "node/coordinator/admission.h"
#include "node/local_copies.h"
#include "node/peer_calls.h"
#include "node/peer_links.h"
#include "node/ring_view.h"
#include "node/transfer/handoff_port.h"

namespace coterie {

/// Handoff's port over a shard's copies and its calls to other nodes.
class HandoffPerformer final : public transfer::HandoffPort {
 public:
  struct Parts {
    LocalCopies& copies;
    const PeerLinks& links;
    PeerCalls& calls;
    const coordinator::Admission& admission;
  };

  explicit HandoffPerformer(const Parts& parts) : parts_(parts) {}
  void set_view(std::shared_ptr<const RingView> view) { view_ = std::move(view); }

  [[nodiscard]] Reach reach(NodeId node) const override;
  [[nodiscard]] Result<Current> current(PartitionId partition, BytesView key) override;
  [[nodiscard]] bool send(NodeId to, const wire::ReplicaWrite& message, Duration patience,
                          Done done) override;
  [[nodiscard]] bool is_busy() const override;

 private:
  Parts parts_;
  std::shared_ptr<const RingView> view_;
};

}  // namespace coterie
