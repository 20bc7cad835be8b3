#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/error.h"
#include "base/ids.h"
#include "storage/tree.h"

namespace coterie {

/// The key spaces of a shard; each an ordered map of bytes. The numbers are on disk.
enum class Space : std::uint8_t { records = 1, trees = 2, hints = 3, acceptors = 4, meta = 5 };
inline constexpr std::size_t spaces = 5;

/// From 0.
inline std::size_t index_of(Space space) {
  const auto number = static_cast<std::size_t>(space);
  check(number >= 1 && number <= spaces, "a space of the store");
  return number - 1;
}

/// A place in a shard's log; grows with every append. What rests on it is durable once
/// Store::synced() reaches it.
struct LogPosition {
  std::uint64_t value = 0;

  constexpr auto operator<=>(const LogPosition&) const = default;
};

/// One change. For Space::records the leaf hashes of what was there and of what comes keep the
/// partition's tree: whoever writes has just read the old record.
struct Write {
  Space space = Space::records;
  Bytes key;
  std::optional<Bytes> value;  // none: erase
  std::uint64_t old_leaf_hash = 0;
  std::uint64_t new_leaf_hash = 0;
  /// What was there is not a record any more (its checksum is bad), and so nobody knows what its
  /// leaf counts for it: the store counts the leaf anew.
  bool replaces_damaged = false;
};

/// Why a store takes no writes, or none at all.
enum class StoreState : std::uint8_t {
  healthy,
  /// The disk or map is full: erasures and reads go on; clears by itself.
  read_only,
  /// A write or sync failed: what is durable is unknown; nothing more is served until a restart.
  stopped,
};

/// How far checkpoints have fallen behind.
enum class Backlog : std::uint8_t {
  none,
  clients_wait,   ///< what clients write should wait
  replicas_wait,  ///< and what other nodes replicate: memory would grow without a bound
};

struct StoreStatus {
  StoreState state = StoreState::healthy;
  std::string reason;  // for people; empty while healthy
  std::uint64_t records = 0;
  std::uint64_t overlay_bytes = 0;
  std::uint64_t overlay_records = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t map_bytes = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t syncs = 0;
  Backlog backlog = Backlog::none;
  /// Partitions whose log was damaged: they must not count to R or W until refilled.
  std::vector<PartitionId> damaged;
};

/// One shard's data. All calls on the shard's loop; nothing here blocks on a sync.
class Store {
 public:
  virtual ~Store() = default;

  /// What a key has as of the last append, and the position of the append that gave it that: an
  /// answer that shows it waits until synced() (or written(), as the bucket says) reaches it. 0
  /// once a checkpoint holds it. Errors: io, corrupt.
  struct Stored {
    std::optional<Bytes> value;  // none: absent, or erased at `rests_on`
    LogPosition rests_on;
  };
  [[nodiscard]] virtual Result<Stored> read(Space space, BytesView key) const = 0;
  /// read() for those who do not answer anybody with it.
  [[nodiscard]] Result<std::optional<Bytes>> get(Space space, BytesView key) const {
    auto stored = read(space, key);
    if (!stored) return std::unexpected(std::move(stored).error());
    return std::move(stored->value);
  }

  /// Takes the writes as one atomic batch: get() sees them at once, they are durable when synced()
  /// reaches the position returned. Errors: read_only (nothing taken; erasures still are), closed
  /// (stopped).
  [[nodiscard]] virtual Result<LogPosition> append(std::span<Write> writes) = 0;

  /// The position of the last append; what a "nothing to change" answer rests on.
  [[nodiscard]] virtual LogPosition last() const = 0;
  /// Written to the file, so that the end of this process loses nothing.
  [[nodiscard]] virtual LogPosition written() const = 0;
  /// Synced, so that power loss loses nothing.
  [[nodiscard]] virtual LogPosition synced() const = 0;
  /// Asks for a sync of everything appended so far; without it one comes within
  /// limits::interval_sync. Calls of one turn share one sync.
  virtual void request_sync() = 0;
  /// `handler` is called on the loop whenever written(), synced() or the status' state have
  /// changed.
  virtual void set_progress_handler(std::function<void()> handler) = 0;

  /// Visits keys in [from, to) in order (empty `to`: no end) until the visitor returns false.
  /// Short: holds the tables' reader; a caller pages at limits::scan_page_records.
  using Visitor = std::function<bool(BytesView key, BytesView value)>;
  [[nodiscard]] virtual Result<void> scan(Space space, BytesView from, BytesView to,
                                          const Visitor& visit) const = 0;

  /// The tree of a partition of this shard; none before its first record.
  [[nodiscard]] virtual const PartitionTree* tree(PartitionId partition) const = 0;
  /// Whoever has read all records of a leaf since the last append found that it should be `cell`:
  /// so it is from now on, and once the next checkpoint has stored it. False: the tree is of
  /// another depth, and nothing is done.
  [[nodiscard]] virtual bool mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                                       const TreeCell& cell) = 0;
  [[nodiscard]] virtual StoreStatus status() const = 0;
  /// That of status(), for every write.
  [[nodiscard]] virtual Backlog backlog() const = 0;

  /// A damaged partition has been refilled from its other owners: it is damaged no more, durably
  /// once synced() reaches the position. Errors: closed.
  [[nodiscard]] virtual Result<LogPosition> clear_damage(PartitionId partition) = 0;

  /// Syncs, checkpoints and stops; `done` on the loop. Nothing may be called afterwards.
  virtual void close(std::move_only_function<void()> done) = 0;
};

}  // namespace coterie
