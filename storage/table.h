#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "storage/store.h"

namespace coterie {

/// Where checkpoints go: LMDB in production, memory in the simulator.
class Table {
 public:
  virtual ~Table() = default;

  struct Entry {
    Space space = Space::records;
    BytesView key;
    std::optional<BytesView> value;  // none: erase
  };

  /// Applies entries, sorted by (space, key) and each key once, and remembers `position` (none: as
  /// it was), all durably or not at all. On the checkpoint thread. Errors: read_only (map or disk
  /// full; may be tried again), io.
  [[nodiscard]] virtual Result<void> commit(std::span<const Entry> entries,
                                            std::optional<LogPosition> position) = 0;
  /// The last position that a commit gave; 0 for a new table.
  [[nodiscard]] virtual Result<LogPosition> position() const = 0;

  /// On the loop's thread, while a commit may run on the other: sees the last finished commit.
  [[nodiscard]] virtual Result<std::optional<Bytes>> get(Space space, BytesView key) const = 0;
  [[nodiscard]] virtual Result<void> scan(Space space, BytesView from, BytesView to,
                                          const Store::Visitor& visit) const = 0;
  /// Lets go of the reader that get() and scan() keep between calls; the loop calls it at the end
  /// of each turn, since a reader that stays makes a table grow.
  virtual void end_read() = 0;
  /// What the last commit left in use, and what may still be used before commits fail.
  [[nodiscard]] virtual std::uint64_t used_bytes() const = 0;
  [[nodiscard]] virtual std::uint64_t free_bytes() const = 0;
  [[nodiscard]] virtual std::uint64_t entries(Space space) const = 0;
};

}  // namespace coterie
