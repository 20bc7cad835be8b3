#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "node/transfer/anti_entropy_port.h"

namespace coterie::transfer {

/// Which answers make up for a copy of one's own: enough full ones of other owners that every
/// acknowledged write is in one of them, N-W+1, or those of all other owners, since there is
/// nothing more to learn then.
struct RefillQuorum {
  std::size_t others = 0;
  std::size_t needed = 0;  ///< N - (the smallest W) + 1

  /// `full` of `definite` answers were of copies that lack nothing.
  [[nodiscard]] bool is_reached(std::size_t full, std::size_t definite) const {
    return others > 0 && (full >= needed || definite >= others);
  }
};

/// Records of this node whose checksum is bad: each is made anew from what the other owners hold,
/// merged, and only once a RefillQuorum has answered, for any less may lack an acknowledged write.
/// One key at a time. One thread.
class DamagedRecords {
 public:
  struct Environment {
    RepairedCopies& copies;
    OtherOwners& others;
    /// The partition's owners but this node.
    std::function<std::vector<NodeId>(PartitionId)> owners;
    std::function<RefillQuorum(PartitionId)> quorum;
  };

  explicit DamagedRecords(Environment environment) : env_(std::move(environment)) {}
  DamagedRecords(const DamagedRecords&) = delete;
  DamagedRecords& operator=(const DamagedRecords&) = delete;

  /// Of more than limits::damaged_keys_a_shard only the first are kept: a comparison meets the
  /// others again.
  void add(PartitionId partition, BytesView key);
  /// Begins with the next key. False if there is none, or one under way, or all failed lately.
  bool step(Instant now);
  /// A partition's are dropped, and nothing takes their place. How many. Errors: the store's.
  Result<std::size_t> give_up(PartitionId partition);
  /// When one that failed is tried again; no sense if size() is 0.
  [[nodiscard]] Instant due() const { return retry_at_; }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] std::uint64_t refilled() const { return refilled_; }

 private:
  using Key = std::pair<PartitionId, Bytes>;
  struct Gathered {
    Key key;
    std::size_t unanswered = 0;
    std::size_t full = 0;
    std::size_t definite = 0;
    Generation generation;
    std::vector<Bytes> records;
  };

  void take(const wire::ReplicaRecordsReply& reply);
  void conclude(Instant now);
  [[nodiscard]] bool replace();

  Environment env_;
  std::set<Key> keys_;
  /// The last key begun with in this walk over keys_.
  Key last_;
  Instant retry_at_;
  Instant now_;
  std::uint64_t refilled_ = 0;
  std::unique_ptr<Gathered> gathered_;
  /// Answers that come after this object has gone see that it has.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace coterie::transfer
