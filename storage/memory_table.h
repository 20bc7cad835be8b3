#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "storage/table.h"

namespace coterie {

/// A table in memory, for the simulator: whoever owns it past a node's crash makes it durable. What
/// a visitor of scan() does must not come back here.
class MemoryTable final : public Table {
 public:
  /// Commits that would hold more bytes of keys and values than this fail with read_only.
  void set_capacity(std::uint64_t bytes);
  /// Later commits fail with this; none: they do not.
  void set_failure(std::optional<Error> failure);

  [[nodiscard]] Result<void> commit(std::span<const Entry> entries,
                                    std::optional<LogPosition> position) override;
  [[nodiscard]] Result<LogPosition> position() const override;
  [[nodiscard]] Result<std::optional<Bytes>> get(Space space, BytesView key) const override;
  [[nodiscard]] Result<void> scan(Space space, BytesView from, BytesView to,
                                  const Store::Visitor& visit) const override;
  void end_read() override {}
  [[nodiscard]] std::uint64_t used_bytes() const override;
  [[nodiscard]] std::uint64_t free_bytes() const override;
  [[nodiscard]] std::uint64_t entries(Space space) const override;

 private:
  using Map = std::map<Bytes, Bytes, std::less<>>;

  mutable std::mutex mutex_;
  std::array<Map, spaces> maps_;
  LogPosition position_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t capacity_ = UINT64_MAX;
  std::optional<Error> failure_;
};

}  // namespace coterie
