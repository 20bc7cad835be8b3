#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/wire/messages.h"

namespace coterie::transfer {

/// What handoff needs of its shard; implemented in node/. One thread.
class HandoffPort {
 public:
  virtual ~HandoffPort() = default;

  enum class Reach {
    ready,
    away,         ///< gossip does not see it alive
    unreachable,  ///< alive, but a send would be refused now
  };
  [[nodiscard]] virtual Reach reach(NodeId node) const = 0;

  /// This node's record of a key as it is now, and under which configuration and generation it was
  /// read. Errors: those of a replica's read; `unsure`: this copy must not be pushed.
  struct Current {
    wire::ReplicaScope scope;
    Bytes record;  // empty: none
  };
  [[nodiscard]] virtual Result<Current> current(PartitionId partition, BytesView key) = 0;

  /// False: it cannot be sent now. Otherwise `done` is called once, later: without an error once
  /// the target holds the record durably.
  using Done = std::move_only_function<void(Result<void>)>;
  [[nodiscard]] virtual bool send(NodeId to, const wire::ReplicaWrite& message, Duration patience,
                                  Done done) = 0;

  /// Clients wait: yield to them.
  [[nodiscard]] virtual bool is_busy() const = 0;
};

}  // namespace coterie::transfer
