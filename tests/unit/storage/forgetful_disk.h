#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/env/file.h"
#include "base/random.h"

namespace coterie {

/// A file system in memory that knows what was synced: a power loss keeps that, and of what was
/// written later any set of sectors. Directories themselves are durable at once; the names in them
/// are when their directory is synced. Its failures are set from outside.
class ForgetfulDisk final : public FileSystem {
 public:
  static constexpr std::size_t sector_bytes = 512;

  /// Keeps what was synced, and each later sector and name with this probability.
  void lose_power(Random& random, double kept);

  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  void set_sync_fails(bool fails) { sync_fails_ = fails; }
  void set_write_fails(bool fails) { write_fails_ = fails; }
  void set_on_write(std::function<void()> on_write) { on_write_ = std::move(on_write); }

  /// Every file's content, for tests that cut, damage or compare; setting counts as durable.
  [[nodiscard]] std::map<std::string, Bytes> contents() const;
  void set_contents(const std::map<std::string, Bytes>& contents);

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  [[nodiscard]] Result<void> make_directory(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) const override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes() const override;

 private:
  struct Inode {
    Bytes current;
    Bytes durable;
    std::set<std::size_t> dirty;  // sectors
  };
  class OpenFile;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  [[nodiscard]] Result<void> resize(Inode& inode, std::size_t size);

  Names names_;
  Names durable_names_;
  std::set<std::string> directories_;
  std::uint64_t capacity_ = UINT64_MAX;
  bool sync_fails_ = false;
  bool write_fails_ = false;
  std::function<void()> on_write_;
};

}  // namespace coterie
