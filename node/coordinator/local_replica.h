#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hlc.h"
#include "base/ids.h"
#include "base/policy.h"
#include "base/wire/messages.h"
#include "node/coordinator/placement.h"
#include "storage/record.h"

namespace coterie::coordinator {

/// Names one thing that an operation waits for. To a peer it travels as the frame's request id:
/// unique among all that this coordinator has asked and not been answered.
using Tag = Id<struct OperationTag, std::uint64_t>;

/// Every local answer says whether what it rests on is durable already, in the sense of its
/// bucket's durability or that of the put. If not, the driver calls
/// Coordinator::on_local_durable(tag) once it is, and never before the call that took the tag has
/// returned.
struct LocalMinted {
  /// To be sent as it is: the record with the new dot, or, where the request was known, the local
  /// record that reflects it. Valid until the next call of this LocalReplica.
  BytesView record;
  /// For the client's reply.
  Bytes context;
  Generation generation;
  Dot dot;
  Timestamp timestamp;
  std::uint16_t siblings = 0;
  bool is_durable = false;
};

struct LocalMerged {
  bool is_durable = false;
};

struct LocalRead {
  std::uint64_t digest = 0;  ///< 0: no record
  Bytes record;
  Generation generation;
  Generation purged;
  bool is_durable = false;
};

struct LocalScan {
  struct Entry {
    Bytes key;
    Bytes record;
  };
  std::vector<Entry> entries;
  bool is_truncated = false;
  Generation generation;
  Generation purged;
  bool is_durable = false;
};

/// A put as the local replica mints it.
struct LocalPut {
  BytesView key;
  const wire::Put& put;
  std::uint64_t expires_ms = 0;  ///< absolute; 0 never
  Resolver resolver = Resolver::siblings;
  Durability durability = Durability::commit;
  WallTime now;
  /// Where this node is a fallback: the owner that it stands in for, and how many owners must hold
  /// the write before its hint may go.
  NodeId intended;
  std::uint8_t owners = 0;
};

/// This node's copies, as the coordinator uses them; the driver joins node/replica's decisions with
/// the Store. All calls are synchronous and on the shard's loop; none calls back.
class LocalReplica {
 public:
  virtual ~LocalReplica() = default;

  /// Checks the scope (Use::mint), reads, mints, appends. An error means that nothing was written:
  /// definitely not executed.
  [[nodiscard]] virtual Result<LocalMinted> mint(const wire::ReplicaScope& scope,
                                                 const LocalPut& put, Tag tag) = 0;
  /// A read repair: merges, and may replace a damaged local record (MergeOptions).
  [[nodiscard]] virtual Result<LocalMerged> merge(const wire::ReplicaScope& scope, BytesView key,
                                                  BytesView record, Resolver resolver, Tag tag) = 0;
  /// Durable in the sense of `durability`; without one, of the key's bucket.
  [[nodiscard]] virtual Result<LocalRead> read(const wire::ReplicaScope& scope, BytesView key,
                                               std::optional<Durability> durability, Tag tag) = 0;
  /// As the same message would be answered: at most its `limit_records` and
  /// limits::scan_page_bytes, but at least one of those there are.
  [[nodiscard]] virtual Result<LocalScan> scan(const wire::ReplicaScan& message, Tag tag) = 0;
  /// What this node held of a key until it ceased to own the partition, if that is still there, for
  /// a put that it began before. The generation is that of the last purge applied here, which every
  /// owner had reached: one that has applied a later one since, without this node, refuses it.
  /// Errors: not_owner; the store's.
  [[nodiscard]] virtual Result<LocalRead> read_left(PartitionId partition, BytesView /*key*/) {
    return fail(ErrorCode::not_owner,
                "this node has left partition " + std::to_string(partition.value));
  }
  /// Some owner has applied a purge of this generation. A copy here whose own is lower has
  /// forgotten what it had promised: it was restored from an old state.
  virtual void heard_of_purge(PartitionId partition, Generation purged) = 0;
};

}  // namespace coterie::coordinator
