#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace coterie {

/// An open file. Blocking; used from one thread at a time, but for a sync(), beside which another
/// thread may write. What was written survives a power loss only after a sync() that began later
/// and returned success; before, any part of it may. After a failed sync the state of everything
/// unsynced is unknown, and a second sync proves nothing.
class File {
 public:
  virtual ~File() = default;
  /// Exactly `size` bytes from `offset`, or fewer where the file ends.
  [[nodiscard]] virtual Result<Bytes> read_at(std::uint64_t offset, std::size_t size) const = 0;
  /// All of `bytes` or an error; the file grows as needed. io with errno's words; read_only when
  /// the disk is full.
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, BytesView bytes) = 0;
  /// fdatasync: returns when all written before is durable, size included.
  [[nodiscard]] virtual Result<void> sync() = 0;
  /// Makes the file at least this long with its space reserved, so that writes below need no new
  /// space. New bytes read as zero.
  [[nodiscard]] virtual Result<void> preallocate(std::uint64_t size) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
};

/// The files below one node's data directory. Paths are relative to it, '/'-separated.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  enum class Mode { read, read_write, create };  // create: opens, makes it if absent
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  [[nodiscard]] virtual Result<void> make_directory(
      const std::string& path) = 0;  // fine if it exists
  /// Names (not paths) in a directory, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(
      const std::string& directory) const = 0;
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Replaces `to` if it exists. Durable only after sync_directory().
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Makes creations, renames and removals in this directory durable.
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes() const = 0;
};

}  // namespace coterie
