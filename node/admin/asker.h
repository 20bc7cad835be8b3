#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/instant.h"
#include "base/limits.h"
#include "node/admin/source.h"

namespace coterie::admin {

/// Asks a running node from threads that may wait: the Source that the admin door uses. The node
/// outlives it. From any thread.
class Asker {
 public:
  explicit Asker(Node& node);
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  ~Asker();

  /// Valid as long as this.
  [[nodiscard]] Source source();
  /// Those who wait, and who come later, get `unavailable` at once.
  void stop();

 private:
  template <class T>
  struct Slot;
  /// Shared with answers under way, which may come after this is gone.
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_stopping = false;
  };
  template <class T>
  [[nodiscard]] Result<T> wait_for(const std::shared_ptr<Slot<T>>& slot,
                                   Duration patience = limits::admin_patience);
  [[nodiscard]] Result<NodeStatus> status();
  [[nodiscard]] Result<std::vector<Inspection>> inspect(PartitionId partition, Bytes key);
  [[nodiscard]] Result<std::vector<Result<std::uint64_t>>> on_all_shards(const ShardTask& task);
  [[nodiscard]] Result<topology::Answer> order(const topology::Order& what);

  Node& node_;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace coterie::admin
