#pragma once

#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/wire/messages_changes.h"
#include "storage/store.h"

namespace coterie::transfer {

/// What streams into this shard's new copies need of it; implemented in node/. One thread.
class StreamPort {
 public:
  virtual ~StreamPort() = default;

  template <class Reply>
  using Done = std::move_only_function<void(Result<Reply>)>;

  /// It lives, and a question can be sent now.
  [[nodiscard]] virtual bool is_reachable(NodeId node) const = 0;
  /// Asks the shard of `to` that holds the message's partition. False: it cannot be asked now, and
  /// `done` is not called. Otherwise it is called once, later; what the reply borrows is valid
  /// during that.
  virtual bool ask(NodeId to, const wire::StreamOpen& message, Duration patience,
                   Done<wire::StreamOpenReply> done) = 0;
  virtual bool ask(NodeId to, const wire::StreamBatch& message, Duration patience,
                   Done<wire::StreamBatchReply> done) = 0;

  struct Filling {
    /// It was empty when this run began to hold it: what an earlier one took is not in it.
    bool began_empty = false;
  };
  /// Nothing: no copy is held here that a change gives this node, and that may take records now.
  [[nodiscard]] virtual std::optional<Filling> filling(PartitionId partition) const = 0;
  /// A copy that is being filled reads and refuses under these from now on, if its own are lower:
  /// appended to the store. Errors: not_owner, the store's.
  [[nodiscard]] virtual Result<void> adopt_purges(PartitionId partition, Generation generation,
                                                  Generation purged) = 0;
  /// Merges what another owner held under `generation`. Errors: as RepairedCopies::keep.
  [[nodiscard]] virtual Result<void> keep(PartitionId partition, Generation generation,
                                          BytesView key, BytesView record) = 0;
  /// The copy has taken all that it needs, and lacks nothing from now on. Errors: the store's.
  [[nodiscard]] virtual Result<void> filled(PartitionId partition) = 0;

  /// Calls `then` once the store is synced to `position`; perhaps within this call.
  virtual void when_durable(LogPosition position, std::move_only_function<void()> then) = 0;
};

}  // namespace coterie::transfer
