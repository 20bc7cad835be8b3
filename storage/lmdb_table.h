#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/table.h"

// lmdb.h's own handles, which no header of ours needs to know more of.
struct MDB_env;
struct MDB_txn;

namespace coterie {

/// A table in one LMDB environment: one named database a space, and one for the table's own format
/// version and position. Synced at each commit; never MDB_NOSYNC, never MDB_WRITEMAP. A process
/// opens a directory once at a time.
class LmdbTable final : public Table {
 public:
  struct Options {
    /// An existing directory's absolute or relative path; made if absent, its parent must exist.
    std::string directory;
    /// The map is sparse: it reserves address space, not disk.
    std::uint64_t map_bytes = 0;
  };
  static constexpr std::uint16_t format_version = 1;

  /// Errors: io, corrupt, unsupported_version (written by a newer build).
  [[nodiscard]] static Result<std::unique_ptr<LmdbTable>> open(const Options& options);
  ~LmdbTable() override;
  LmdbTable(const LmdbTable&) = delete;
  LmdbTable& operator=(const LmdbTable&) = delete;

  [[nodiscard]] Result<void> commit(std::span<const Entry> entries,
                                    std::optional<LogPosition> position) override;
  [[nodiscard]] Result<LogPosition> position() const override;
  [[nodiscard]] Result<std::optional<Bytes>> get(Space space, BytesView key) const override;
  [[nodiscard]] Result<void> scan(Space space, BytesView from, BytesView to,
                                  const Store::Visitor& visit) const override;
  void end_read() override;
  [[nodiscard]] std::uint64_t used_bytes() const override { return used_bytes_; }
  [[nodiscard]] std::uint64_t free_bytes() const override;
  [[nodiscard]] std::uint64_t entries(Space space) const override;

 private:
  LmdbTable(MDB_env* environment, const Options& options);
  /// As LMDB keeps it for messages.
  [[nodiscard]] void* directory() { return const_cast<std::string*>(&options_.directory); }
  [[nodiscard]] Result<void> open_databases();
  [[nodiscard]] Result<void> apply(MDB_txn* transaction, std::span<const Entry> entries) const;
  [[nodiscard]] Result<void> apply_space(MDB_txn* transaction, Space space,
                                         std::span<const Entry> entries) const;
  [[nodiscard]] Result<void> measure();
  [[nodiscard]] Result<MDB_txn*> reader() const;
  [[nodiscard]] std::unexpected<Error> refuse_read(int code, const char* doing) const;

  MDB_env* environment_;
  const Options options_;
  std::array<unsigned, spaces> databases_{};
  unsigned own_database_ = 0;
  // The loop's reader: kept between calls, renewed when a commit has ended since.
  mutable MDB_txn* reader_ = nullptr;
  mutable bool is_reading_ = false;
  mutable std::uint64_t reader_commits_ = 0;
  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<std::uint64_t> used_bytes_ = 0;
  std::array<std::atomic<std::uint64_t>, spaces> entries_{};
};

}  // namespace coterie
