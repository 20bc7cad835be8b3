#include "tests/unit/storage/forgetful_disk.h"

#include <algorithm>
#include <utility>

namespace coterie {

class ForgetfulDisk::OpenFile final : public File {
 public:
  OpenFile(ForgetfulDisk& disk, std::shared_ptr<Inode> inode)
      : disk_(disk), inode_(std::move(inode)) {}

  Result<Bytes> read_at(std::uint64_t offset, std::size_t size) const override {
    if (offset >= inode_->current.size()) return Bytes();
    return inode_->current.substr(offset, size);
  }

  Result<void> write_at(std::uint64_t offset, BytesView bytes) override {
    if (disk_.on_write_) disk_.on_write_();
    if (disk_.write_fails_) return fail(ErrorCode::io, "a planted failure");
    const auto end = offset + bytes.size();
    if (end > inode_->current.size()) {
      if (auto done = disk_.resize(*inode_, end); !done) return done;
    }
    inode_->current.replace(offset, bytes.size(), bytes);
    for (auto s = offset / sector_bytes; s * sector_bytes < end; ++s) inode_->dirty.insert(s);
    return {};
  }

  Result<void> sync() override {
    if (disk_.sync_fails_) return fail(ErrorCode::io, "a planted failure");
    inode_->durable.resize(inode_->current.size(), '\0');
    for (const auto sector : inode_->dirty) {
      const auto from = sector * sector_bytes;
      const auto size = std::min(sector_bytes, inode_->current.size() - from);
      inode_->durable.replace(from, size, inode_->current, from, size);
    }
    inode_->dirty.clear();
    return {};
  }

  Result<void> preallocate(std::uint64_t size) override {
    return size <= inode_->current.size() ? Result<void>() : disk_.resize(*inode_, size);
  }

  Result<std::uint64_t> size() const override { return inode_->current.size(); }

 private:
  ForgetfulDisk& disk_;
  std::shared_ptr<Inode> inode_;
};

void ForgetfulDisk::lose_power(Random& random, double kept) {
  Names names;
  auto all = durable_names_;
  all.insert(names_.begin(), names_.end());
  for (const auto& [name, unused] : all) {
    const auto& from = random.chance(kept) ? names_ : durable_names_;
    if (const auto place = from.find(name); place != from.end()) names.insert(*place);
  }
  for (const auto& [name, inode] : names) {
    auto content = inode->durable;
    for (const auto sector : inode->dirty) {
      if (!random.chance(kept)) continue;
      const auto from = sector * sector_bytes;
      const auto size = std::min(sector_bytes, inode->current.size() - from);
      if (content.size() < from + size) content.resize(from + size, '\0');
      content.replace(from, size, inode->current, from, size);
    }
    inode->current = inode->durable = content;
    inode->dirty.clear();
  }
  names_ = durable_names_ = names;
}

std::map<std::string, Bytes> ForgetfulDisk::contents() const {
  std::map<std::string, Bytes> contents;
  for (const auto& [name, inode] : names_) contents[name] = inode->current;
  return contents;
}

void ForgetfulDisk::set_contents(const std::map<std::string, Bytes>& contents) {
  names_.clear();
  for (const auto& [name, bytes] : contents) {
    names_[name] = std::make_shared<Inode>(Inode{.current = bytes, .durable = bytes, .dirty = {}});
    if (const auto slash = name.rfind('/'); slash != std::string::npos) {
      directories_.insert(name.substr(0, slash));
    }
  }
  durable_names_ = names_;
}

Result<void> ForgetfulDisk::resize(Inode& inode, std::size_t size) {
  if (size - inode.current.size() > *free_bytes()) {
    return fail(ErrorCode::read_only, "no space left on the disk");
  }
  inode.current.resize(size, '\0');
  return {};
}

Result<std::unique_ptr<File>> ForgetfulDisk::open(const std::string& path, Mode mode) {
  auto place = names_.find(path);
  if (place == names_.end()) {
    if (mode != Mode::create) return fail(ErrorCode::not_found, path);
    place = names_.emplace(path, std::make_shared<Inode>()).first;
  }
  return std::make_unique<OpenFile>(*this, place->second);
}

Result<void> ForgetfulDisk::make_directory(const std::string& path) {
  directories_.insert(path);
  return {};
}

Result<std::vector<std::string>> ForgetfulDisk::list(const std::string& directory) const {
  if (!directories_.contains(directory)) return fail(ErrorCode::not_found, directory);
  std::vector<std::string> found;
  for (const auto& [name, inode] : names_) {
    const auto slash = name.rfind('/');
    if (name.substr(0, slash) == directory) found.push_back(name.substr(slash + 1));
  }
  return found;
}

Result<void> ForgetfulDisk::remove(const std::string& path) {
  if (names_.erase(path) == 0) return fail(ErrorCode::not_found, path);
  return {};
}

Result<void> ForgetfulDisk::rename(const std::string& from, const std::string& to) {
  auto node = names_.extract(from);
  if (node.empty()) return fail(ErrorCode::not_found, from);
  names_[to] = node.mapped();
  return {};
}

Result<void> ForgetfulDisk::sync_directory(const std::string& path) {
  const auto is_in = [&](const std::string& name) {
    const auto slash = name.rfind('/');
    return slash == std::string::npos ? path.empty() : name.substr(0, slash) == path;
  };
  std::erase_if(durable_names_, [&](const auto& entry) { return is_in(entry.first); });
  for (const auto& entry : names_) {
    if (is_in(entry.first)) durable_names_.insert(entry);
  }
  return {};
}

Result<std::uint64_t> ForgetfulDisk::free_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [name, inode] : names_) used += inode->current.size();
  return capacity_ > used ? capacity_ - used : 0;
}

}  // namespace coterie
