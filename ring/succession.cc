#include "ring/succession.h"

#include <algorithm>
#include <string>

namespace coterie {
namespace {

std::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::invalid_argument, "the next epoch: " + std::move(why));
}

Result<void> check_constants(const Epoch& base, const Epoch& next) {
  if (next.number().lineage != base.number().lineage ||
      next.number().number != base.number().number + 1) {
    return refuse("its number does not follow");
  }
  const bool is_same_ring =
      next.cluster() == base.cluster() && next.hash_seed() == base.hash_seed() &&
      next.partitions() == base.partitions() && next.replicas() == base.replicas();
  if (!is_same_ring) {
    return refuse("cluster, hash seed, partitions and replicas are fixed at birth");
  }
  return {};
}

/// A bucket's id is in the keys on disk.
Result<void> check_buckets(const Epoch& base, const Epoch& next) {
  for (const Bucket& bucket : base.buckets()) {
    const Bucket* now = next.bucket(bucket.id);
    if (now == nullptr || now->name != bucket.name) {
      return refuse("bucket " + bucket.name + " is gone or renamed");
    }
  }
  const auto highest = base.buckets().empty() ? BucketId{} : base.buckets().back().id;
  for (const Bucket& bucket : next.buckets()) {
    if (bucket.id > highest || base.bucket(bucket.id) != nullptr) continue;
    return refuse("bucket " + bucket.name + " has an id that may have been used before");
  }
  return {};
}

Result<void> check_partition(const Epoch& base, const Epoch& next, PartitionId partition) {
  const auto before = base.configuration(partition).value;
  const auto after = next.configuration(partition).value;
  const bool is_same = std::ranges::equal(base.owners(partition), next.owners(partition)) &&
                       base.stage(partition) == next.stage(partition);
  if (after != (is_same ? before : before + 1)) {
    return refuse("partition " + std::to_string(partition.value) +
                  ": the configuration number rises by one with each change, and only then");
  }
  return {};
}

}  // namespace

Result<void> check_succession(const Epoch& base, const Epoch& next) {
  if (auto fine = check_constants(base, next); !fine) return fine;
  if (auto fine = check_buckets(base, next); !fine) return fine;
  for (std::uint32_t partition = 0; partition < base.partitions(); ++partition) {
    if (auto fine = check_partition(base, next, PartitionId{partition}); !fine) return fine;
  }
  return {};
}

}  // namespace coterie
