#include "tests/sim/env/file.h"

#include <algorithm>

#include "base/check.h"
#include "base/codec.h"

namespace coterie::sim {

namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

/// An open file of one mount.
class SimFile final : public File {
 public:
  SimFile(SimFileSystem& system, std::string path, SimFileSystem::InodePtr inode, bool can_write)
      : system_(system),
        path_(std::move(path)),
        inode_(std::move(inode)),
        can_write_(can_write),
        mount_(system.mount_) {}

  [[nodiscard]] Result<Bytes> read_at(std::uint64_t offset, std::size_t size) const override {
    if (auto usable = check_usable(); !usable) return std::unexpected(usable.error());
    Bytes& content = inode_->now;
    if (offset >= content.size()) return Bytes();
    const std::size_t count = std::min<std::uint64_t>(size, content.size() - offset);
    if (count > 0 && system_.random_.chance(system_.faults().bit_flip)) {
      const std::uint64_t at = offset + system_.random_.below(count);
      system_.flip_bit(path_, at, static_cast<unsigned>(system_.random_.below(8)));
    }
    return content.substr(offset, count);
  }

  [[nodiscard]] Result<void> write_at(std::uint64_t offset, BytesView bytes) override {
    if (auto usable = check_usable(); !usable) return usable;
    if (!can_write_) return fail(ErrorCode::io, "'" + path_ + "' is open for reading only");
    system_.note("write", path_, offset, bytes);
    if (system_.random_.chance(system_.faults().write_error)) {
      const std::size_t sectors = bytes.size() / SimFileSystem::sector_bytes + 1;
      put(offset, bytes.substr(0, system_.random_.below(sectors) * SimFileSystem::sector_bytes));
      return fail(ErrorCode::io, "cannot write '" + path_ + "': injected");
    }
    if (auto room = system_.claim(*inode_, offset + bytes.size()); !room) return room;
    put(offset, bytes);
    return {};
  }

  [[nodiscard]] Result<void> sync() override {
    if (auto usable = check_usable(); !usable) return usable;
    system_.note("sync", path_);
    auto synced = system_.sync(*inode_);
    if (!synced) return fail(ErrorCode::io, "cannot sync '" + path_ + "': injected");
    return {};
  }

  [[nodiscard]] Result<void> preallocate(std::uint64_t size) override {
    if (auto usable = check_usable(); !usable) return usable;
    if (!can_write_) return fail(ErrorCode::io, "'" + path_ + "' is open for reading only");
    system_.note("preallocate", path_, size);
    if (auto room = system_.claim(*inode_, size); !room) return room;
    if (inode_->now.size() < size) {
      SimFileSystem::Change change;
      change.grow_to = size;
      change.made_at = system_.work_now();
      SimFileSystem::apply(inode_->now, change);
      inode_->pending.push_back(std::move(change));
    }
    return {};
  }

  [[nodiscard]] Result<std::uint64_t> size() const override {
    if (auto usable = check_usable(); !usable) return std::unexpected(usable.error());
    return inode_->now.size();
  }

 private:
  [[nodiscard]] Result<void> check_usable() const {
    if (mount_ == system_.mount_) return {};
    return fail(ErrorCode::io, "'" + path_ + "' was open when its node crashed");
  }

  void put(std::uint64_t offset, BytesView bytes) {
    if (bytes.empty()) return;
    SimFileSystem::Change change;
    change.offset = offset;
    change.bytes = Bytes(bytes);
    change.made_at = system_.work_now();
    SimFileSystem::apply(inode_->now, change);
    inode_->pending.push_back(std::move(change));
  }

  SimFileSystem& system_;
  std::string path_;
  SimFileSystem::InodePtr inode_;
  bool can_write_;
  std::uint64_t mount_;
};

SimFileSystem::SimFileSystem(SimWorld& world, NodeIndex node)
    : world_(world),
      node_(node),
      random_(world.fork_random()),
      observer_(world.at_crash([this](NodeIndex crashed, Crash how) {
        if (crashed != node_) return;
        ++mount_;
        is_working_ = false;
        drop_later();
        keeps_nothing_ = how == Crash::clean_power;
        if (how != Crash::process) lose_power();
      })) {}

SimFileSystem::~SimFileSystem() {
  world_.remove_at_crash(observer_);
}

SimFileSystem::InodePtr SimFileSystem::find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

Result<std::unique_ptr<File>> SimFileSystem::open(const std::string& path, Mode mode) {
  InodePtr inode = find(path);
  if (inode == nullptr && mode == Mode::create) {
    const std::string parent = parent_of(path);
    const InodePtr directory = find(parent);
    if (!parent.empty() && (directory == nullptr || !directory->is_directory)) {
      return fail(ErrorCode::not_found, "cannot open '" + path + "': it has no directory");
    }
    note("create", path);
    inode = std::make_shared<Inode>();
    change_names(path, {.add = path, .inode = inode, .remove = {}});
  }
  if (inode == nullptr) return fail(ErrorCode::not_found, "cannot open '" + path + "': not there");
  if (inode->is_directory) return fail(ErrorCode::io, "cannot open '" + path + "': a directory");
  return std::make_unique<SimFile>(*this, path, inode, mode != Mode::read);
}

Result<void> SimFileSystem::make_directory(const std::string& path) {
  if (const InodePtr there = find(path)) {
    if (there->is_directory) return {};
    return fail(ErrorCode::io, "cannot make the directory '" + path + "': a file has its name");
  }
  const std::string parent = parent_of(path);
  if (!parent.empty() && find(parent) == nullptr) {
    return fail(ErrorCode::not_found, "cannot make the directory '" + path + "': no parent");
  }
  note("make directory", path);
  auto inode = std::make_shared<Inode>();
  inode->is_directory = true;
  change_names(path, {.add = path, .inode = std::move(inode), .remove = {}});
  return {};
}

Result<std::vector<std::string>> SimFileSystem::list(const std::string& directory) const {
  const InodePtr inode = find(directory);
  if (!directory.empty() && (inode == nullptr || !inode->is_directory)) {
    return fail(ErrorCode::not_found, "cannot list '" + directory + "': no such directory");
  }
  std::vector<std::string> names;
  const std::size_t skip = directory.empty() ? 0 : directory.size() + 1;
  for (const auto& [path, each] : names_) {
    if (parent_of(path) == directory) names.push_back(path.substr(skip));
  }
  std::ranges::sort(names);
  return names;
}

Result<void> SimFileSystem::remove(const std::string& path) {
  const InodePtr inode = find(path);
  if (inode == nullptr) return fail(ErrorCode::not_found, "cannot remove '" + path + "'");
  const bool has_children = std::ranges::any_of(
      names_, [&path](const auto& entry) { return parent_of(entry.first) == path; });
  if (has_children) return fail(ErrorCode::io, "cannot remove '" + path + "': not empty");
  note("remove", path);
  used_bytes_ -= inode->reserved;
  change_names(path, {.add = {}, .inode = {}, .remove = path});
  return {};
}

Result<void> SimFileSystem::rename(const std::string& from, const std::string& to) {
  check(parent_of(from) == parent_of(to), "a simulated rename stays in its directory");
  const InodePtr inode = find(from);
  if (inode == nullptr) return fail(ErrorCode::not_found, "cannot rename '" + from + "'");
  check(!inode->is_directory, "a simulated rename is of a file");
  note("rename", from + "\n" + to);
  if (from == to) return {};
  if (const InodePtr replaced = find(to)) used_bytes_ -= replaced->reserved;
  change_names(from, {.add = to, .inode = inode, .remove = from});
  return {};
}

void SimFileSystem::change_names(const std::string& path, NameChange change) {
  apply(names_, change);
  change.made_at = work_now();
  pending_names_[parent_of(path)].push_back(std::move(change));
}

Result<void> SimFileSystem::sync_directory(const std::string& path) {
  if (!path.empty() && find(path) == nullptr) {
    return fail(ErrorCode::not_found, "cannot sync the directory '" + path + "'");
  }
  note("sync directory", path);
  if (random_.chance(faults().sync_error)) {
    return fail(ErrorCode::io, "cannot sync the directory '" + path + "': injected");
  }
  const Instant end = sync_end();
  if (faults().syncs_lie) return {};
  for (NameChange& change : pending_names_[path])
    change.durable_at = std::min(change.durable_at, end);
  settle(path);
  return {};
}

Result<std::uint64_t> SimFileSystem::free_bytes() const {
  const std::uint64_t capacity = faults().capacity_bytes;
  return capacity > used_bytes_ ? capacity - used_bytes_ : 0;
}

Result<void> SimFileSystem::claim(Inode& inode, std::uint64_t size) {
  if (size <= inode.reserved) return {};
  const std::uint64_t more = size - inode.reserved;
  if (more > *free_bytes()) return fail(ErrorCode::read_only, "the disk is full");
  inode.reserved = size;
  used_bytes_ += more;
  return {};
}

void SimFileSystem::apply(Bytes& content, const Change& change) {
  const std::uint64_t size = std::max(change.offset + change.bytes.size(), change.grow_to);
  if (content.size() < size) content.resize(size, '\0');
  std::ranges::copy(change.bytes, content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void SimFileSystem::apply(Names& names, const NameChange& change) {
  if (!change.remove.empty()) names.erase(change.remove);
  if (!change.add.empty()) names[change.add] = change.inode;
}

void SimFileSystem::begin_work() {
  is_working_ = true;
  work_time_ = {};
}

Instant SimFileSystem::pass_sync_time() {
  return sync_end();
}

Duration SimFileSystem::end_work() {
  is_working_ = false;
  return work_time_;
}

/// When a sync that is called now returns. Outside a worker nobody can wait, so that is now.
Instant SimFileSystem::sync_end() {
  if (is_working_) work_time_ += draw(random_, faults().sync_least, faults().sync_most);
  return work_now();
}

/// How far the work has come that runs whole at one instant.
Instant SimFileSystem::work_now() const {
  return world_.now() + (is_working_ ? work_time_ : Duration::zero());
}

Result<void> SimFileSystem::sync(Inode& inode) {
  settle(inode);
  const Instant end = sync_end();
  if (random_.chance(faults().sync_error)) {
    // What the kernel does: the pages are clean from now on, on disk or not. Those of an earlier
    // sync are.
    const Bytes seen = inode.now;
    while (!inode.pending.empty() && inode.pending.front().durable_at != Instant::max()) {
      apply(inode.durable, inode.pending.front());
      inode.pending.pop_front();
    }
    tear(inode);
    inode.now = seen;
    return fail(ErrorCode::io, "injected");
  }
  if (faults().syncs_lie) return {};
  for (Change& change : inode.pending) change.durable_at = std::min(change.durable_at, end);
  settle(inode);
  return {};
}

/// Makes durable what a sync has covered by now.
void SimFileSystem::settle(Inode& inode) const {
  while (!inode.pending.empty() && inode.pending.front().durable_at <= world_.now()) {
    apply(inode.durable, inode.pending.front());
    inode.pending.pop_front();
  }
}

void SimFileSystem::settle(const std::string& directory) {
  auto& pending = pending_names_[directory];
  while (!pending.empty() && pending.front().durable_at <= world_.now()) {
    apply(durable_names_, pending.front());
    pending.pop_front();
  }
}

void SimFileSystem::settle_all() {
  for (const auto& [path, inode] : names_) settle(*inode);
  for (const auto& [path, inode] : durable_names_) settle(*inode);
  for (auto& [directory, changes] : pending_names_) {
    for (const NameChange& change : changes) {
      if (change.inode != nullptr) settle(*change.inode);
    }
  }
  for (const auto& [directory, changes] : std::map(pending_names_)) settle(directory);
}

/// Takes back what interrupted work would have done later.
void SimFileSystem::drop_later(Inode& inode) const {
  const auto is_later = [this](const Change& change) { return change.made_at > world_.now(); };
  if (std::erase_if(inode.pending, is_later) == 0) return;
  inode.now = inode.durable;
  for (const Change& change : inode.pending) apply(inode.now, change);
}

void SimFileSystem::drop_later() {
  settle_all();
  for (const auto& [path, inode] : names_) drop_later(*inode);
  for (const auto& [path, inode] : durable_names_) drop_later(*inode);
  bool is_any = false;
  for (auto& [directory, changes] : pending_names_) {
    for (const NameChange& change : changes) {
      if (change.inode != nullptr) drop_later(*change.inode);
    }
    is_any |= std::erase_if(changes, [this](const NameChange& change) {
                return change.made_at > world_.now();
              }) != 0;
  }
  if (!is_any) return;
  names_ = durable_names_;
  used_bytes_ = 0;
  for (const auto& [directory, changes] : pending_names_) {
    for (const NameChange& change : changes) apply(names_, change);
  }
  for (const auto& [path, inode] : names_) used_bytes_ += inode->reserved;
}

/// Keeps a drawn part of what is pending, by sectors, and takes that for the file's content.
void SimFileSystem::tear(Inode& inode) {
  constexpr double chances[] = {0, 0.1, 0.5, 0.9, 1};
  const double keep = keeps_nothing_ ? 0 : chances[random_.below(std::size(chances))];
  for (const Change& change : inode.pending) {
    if (change.grow_to != 0 && random_.chance(keep)) apply(inode.durable, change);
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::uint64_t begin = change.offset + at;
      const std::size_t part =
          std::min<std::size_t>(sector_bytes - begin % sector_bytes, change.bytes.size() - at);
      if (random_.chance(keep)) {
        Change piece;
        piece.offset = begin;
        piece.bytes = change.bytes.substr(at, part);
        apply(inode.durable, piece);
      }
      at += part;
    }
  }
  inode.pending.clear();
  inode.now = inode.durable;
}

void SimFileSystem::lose_power() {
  settle_all();
  for (auto& [directory, changes] : pending_names_) {
    const std::size_t kept = keeps_nothing_ ? 0 : random_.below(changes.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) apply(durable_names_, changes[i]);
  }
  pending_names_.clear();
  // A directory that was not durable takes what is in it along; parents sort before children.
  std::erase_if(durable_names_, [this](const auto& entry) {
    std::string parent = parent_of(entry.first);
    for (; !parent.empty(); parent = parent_of(parent)) {
      if (!durable_names_.contains(parent)) return true;
    }
    return false;
  });
  names_ = durable_names_;
  used_bytes_ = 0;
  for (const auto& [path, inode] : names_) {
    tear(*inode);
    inode->reserved = inode->now.size();
    used_bytes_ += inode->reserved;
    note("left", path, 0, inode->now);
  }
}

std::shared_ptr<const SimFileSystem::Snapshot> SimFileSystem::snapshot() const {
  auto copy = std::make_shared<Snapshot>();
  for (const auto& [path, inode] : durable_names_) {
    auto clone = std::make_shared<Inode>(*inode);
    settle(*clone);
    clone->pending.clear();
    clone->now = clone->durable;
    clone->reserved = clone->now.size();
    copy->names.emplace(path, std::move(clone));
  }
  return copy;
}

void SimFileSystem::restore(const Snapshot& snapshot) {
  world_.note(node_, "restore");
  ++mount_;
  names_.clear();
  pending_names_.clear();
  used_bytes_ = 0;
  for (const auto& [path, inode] : snapshot.names) {
    names_.emplace(path, std::make_shared<Inode>(*inode));
    used_bytes_ += inode->reserved;
  }
  durable_names_ = names_;
}

bool SimFileSystem::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  const InodePtr inode = find(path);
  if (inode == nullptr || offset >= inode->now.size()) return false;
  note("bit flip", path, offset);
  const auto flip = [offset, bit](Bytes& content) {
    if (offset >= content.size()) return;
    content[offset] = static_cast<char>(static_cast<unsigned char>(content[offset]) ^ (1U << bit));
  };
  flip(inode->now);
  flip(inode->durable);
  return true;
}

std::map<std::string, std::uint64_t> SimFileSystem::files() const {
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& [path, inode] : names_) {
    if (!inode->is_directory) sizes.emplace(path, inode->now.size());
  }
  return sizes;
}

void SimFileSystem::note(std::string_view what, const std::string& path, std::uint64_t offset,
                         BytesView bytes) const {
  Bytes detail;
  ByteWriter writer(detail);
  writer.sized(path);
  writer.u64(offset);
  writer.raw(bytes);
  world_.note(node_, what, detail);
}

}  // namespace coterie::sim
