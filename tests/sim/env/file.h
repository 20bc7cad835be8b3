#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/env/file.h"
#include "tests/sim/env/world.h"

namespace coterie::sim {

/// One node's disk; it outlives the node's crashes. It keeps what is durable apart from what was
/// only written. A power loss keeps the durable part and a drawn part of what was written after,
/// cut at sectors; of a directory's changes it keeps a drawn number of the first. A clean one keeps
/// the durable part alone. Faults come from
/// the world's Faults::disk; every operation goes into the world's hash.
class SimFileSystem final : public FileSystem {
 public:
  static constexpr std::size_t sector_bytes = 512;

  SimFileSystem(SimWorld& world, NodeIndex node);
  SimFileSystem(const SimFileSystem&) = delete;
  SimFileSystem& operator=(const SimFileSystem&) = delete;
  ~SimFileSystem() override;

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  [[nodiscard]] Result<void> make_directory(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) const override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  /// Within one directory only.
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes() const override;

  /// Around a worker's work: syncs within take drawn time, which the end returns, and what they
  /// make durable is so only once that time has passed; what the work does after a sync has not
  /// happened for a crash before.
  void begin_work();
  [[nodiscard]] Duration end_work();
  /// For something else on this disk that its worker syncs: it takes a sync's time. When it has.
  [[nodiscard]] Instant pass_sync_time();

  /// What a disk holds that lost power now, if nothing that was not synced survives.
  struct Snapshot;
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  /// The disk is as it was then; open files are lost.
  void restore(const Snapshot& snapshot);
  /// For good, one bit of a file is another. False: there is no such byte.
  bool flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);
  /// The files there are now, with their sizes.
  [[nodiscard]] std::map<std::string, std::uint64_t> files() const;

 private:
  friend class SimFile;

  struct Change {
    std::uint64_t offset = 0;
    Bytes bytes;
    /// 0, or the size that the file grows to.
    std::uint64_t grow_to = 0;
    Instant made_at;
    Instant durable_at = Instant::max();
  };
  struct Inode {
    bool is_directory = false;
    Bytes now;
    std::uint64_t reserved = 0;
    Bytes durable;
    std::deque<Change> pending;  // since `durable`, oldest first
  };
  using InodePtr = std::shared_ptr<Inode>;
  using Names = std::map<std::string, InodePtr>;
  struct NameChange {
    std::string add;  // "": none
    InodePtr inode;
    std::string remove;  // "": none
    Instant made_at;
    Instant durable_at = Instant::max();
  };

  static void apply(Bytes& content, const Change& change);
  static void apply(Names& names, const NameChange& change);
  void settle(Inode& inode) const;
  void settle(const std::string& directory);
  void settle_all();
  void drop_later(Inode& inode) const;
  void drop_later();
  void lose_power();
  void tear(Inode& inode);
  void change_names(const std::string& path, NameChange change);
  [[nodiscard]] InodePtr find(const std::string& path) const;
  [[nodiscard]] Result<void> claim(Inode& inode, std::uint64_t size);
  [[nodiscard]] Instant work_now() const;
  [[nodiscard]] Instant sync_end();
  Result<void> sync(Inode& inode);
  void note(std::string_view what, const std::string& path, std::uint64_t offset = 0,
            BytesView bytes = {}) const;
  [[nodiscard]] DiskFaults& faults() const { return world_.faults(node_).disk; }

  SimWorld& world_;
  NodeIndex node_;
  mutable Random random_;
  std::uint64_t observer_;
  std::uint64_t mount_ = 1;  // open files belong to one
  Names names_;
  Names durable_names_;
  std::map<std::string, std::deque<NameChange>> pending_names_;  // by directory
  std::uint64_t used_bytes_ = 0;
  bool is_working_ = false;
  bool keeps_nothing_ = false;
  Duration work_time_{};
};

struct SimFileSystem::Snapshot {
  Names names;
};

}  // namespace coterie::sim
