#pragma once

#include <string>

#include "base/env/file.h"
#include "base/env/file_descriptor.h"

namespace coterie {

/// FileSystem over one directory of this machine. Errors carry the path and the system's words;
/// their codes: not_found, read_only (disk or quota full, file system mounted read-only), io. From
/// any thread; its Files as their contract says. Files are made with mode 0640.
class PosixFileSystem final : public FileSystem {
 public:
  /// Opens `root`, and makes it (not its parents) if it is absent.
  [[nodiscard]] static Result<std::unique_ptr<PosixFileSystem>> open(const std::string& root);

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  [[nodiscard]] Result<void> make_directory(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) const override;
  /// A file, or an empty directory.
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes() const override;

  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  PosixFileSystem(std::string root, FileDescriptor directory);

  std::string root_;
  FileDescriptor directory_;
};

/// Holds a directory for one process (flock on its file LOCK) as long as it lives.
class DirectoryLock {
 public:
  /// Error: refused, with the process that may hold it; or as PosixFileSystem's.
  [[nodiscard]] static Result<DirectoryLock> take(const std::string& directory);

 private:
  explicit DirectoryLock(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace coterie
