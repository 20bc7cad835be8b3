#pragma once

#include <optional>

#include "node/fallback_copies.h"
#include "node/local_copies.h"

namespace coterie {

/// What this node's coordinator works with: its own copies, and of partitions that it does not own
/// what it keeps as a fallback.
class LocalReplicas final : public coordinator::LocalReplica {
 public:
  LocalReplicas(LocalCopies& copies, FallbackCopies& fallbacks)
      : copies_(copies), fallbacks_(fallbacks) {}

  [[nodiscard]] Result<coordinator::LocalMinted> mint(const wire::ReplicaScope& scope,
                                                      const coordinator::LocalPut& put,
                                                      coordinator::Tag tag) override {
    return of(scope.partition).mint(scope, put, tag);
  }
  [[nodiscard]] Result<coordinator::LocalMerged> merge(const wire::ReplicaScope& scope,
                                                       BytesView key, BytesView record,
                                                       Resolver resolver,
                                                       coordinator::Tag tag) override {
    return of(scope.partition).merge(scope, key, record, resolver, tag);
  }
  [[nodiscard]] Result<coordinator::LocalRead> read(const wire::ReplicaScope& scope, BytesView key,
                                                    std::optional<Durability> durability,
                                                    coordinator::Tag tag) override {
    return of(scope.partition).read(scope, key, durability, tag);
  }
  [[nodiscard]] Result<coordinator::LocalScan> scan(const wire::ReplicaScan& message,
                                                    coordinator::Tag tag) override {
    return of(message.scope.partition).scan(message, tag);
  }
  [[nodiscard]] Result<coordinator::LocalRead> read_left(PartitionId partition,
                                                         BytesView key) override {
    return copies_.read_left(partition, key);
  }
  void heard_of_purge(PartitionId partition, Generation purged) override {
    of(partition).heard_of_purge(partition, purged);
  }

 private:
  coordinator::LocalReplica& of(PartitionId partition) {
    if (copies_.copy(partition) != nullptr) return copies_;
    return fallbacks_;
  }

  LocalCopies& copies_;
  FallbackCopies& fallbacks_;
};

}  // namespace coterie
