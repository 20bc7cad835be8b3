#include "node/control/epoch_log.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "node/identity.h"
#include "ring/epoch_codec.h"

namespace coterie {
namespace {

constexpr std::string_view directory = "epochs";
constexpr std::string_view prefix = "epoch-";

/// Hexadecimal digits of fixed width: names sort as numbers do.
std::string name_of(EpochNumber number) {
  return std::string(prefix) + to_hex(std::uint64_t{number.lineage}) + "-" + to_hex(number.number);
}

bool is_epoch_name(const std::string& name) {
  return name.starts_with(prefix) && name.size() == prefix.size() + 33;
}

}  // namespace

Result<void> EpochLog::open() {
  if (auto made = files_.make_directory(std::string(directory)); !made) return made;
  auto names = files_.list(std::string(directory));
  if (!names) return std::unexpected(names.error());
  std::erase_if(*names, [](const std::string& name) { return !is_epoch_name(name); });
  if (names->empty()) return {};
  const std::string path = std::string(directory) + "/" + names->back();
  const auto bytes = read_file(files_, path);
  if (!bytes) return std::unexpected(bytes.error());
  auto epoch = decode_epoch(bytes->value_or(Bytes{}));
  if (!epoch) {
    return fail(epoch.error().code, path + ": " + epoch.error().message +
                                        "; copy the file from another node of the cluster");
  }
  newest_ = std::make_shared<const Epoch>(*std::move(epoch));
  note_members(*newest_);
  names->pop_back();
  for (const std::string& name : *names) {
    const auto older = read_file(files_, std::string(directory) + "/" + name);
    if (!older || !*older) continue;
    if (const auto known = decode_epoch(**older)) note_members(*known);
  }
  return {};
}

void EpochLog::note_members(const Epoch& epoch) {
  for (const Member& member : epoch.members()) ever_members_.insert(member.id);
}

std::vector<NodeId> EpochLog::former() const {
  std::vector<NodeId> out;
  for (const NodeId node : ever_members_) {
    if (newest_->member(node) == nullptr) out.push_back(node);
  }
  return out;
}

std::shared_ptr<const Epoch> EpochLog::find(EpochNumber number) const {
  if (newest_ == nullptr || number > newest_->number()) return nullptr;
  if (number == newest_->number()) return newest_;
  const auto bytes = read_file(files_, std::string(directory) + "/" + name_of(number));
  if (!bytes || !*bytes) return nullptr;
  auto epoch = decode_epoch(**bytes);
  return epoch ? std::make_shared<const Epoch>(*std::move(epoch)) : nullptr;
}

Result<void> EpochLog::add(std::shared_ptr<const Epoch> epoch) {
  if (newest_ != nullptr && epoch->number() <= newest_->number()) {
    if (epoch->number() == newest_->number() && epoch->hash() != newest_->hash()) {
      return fail(ErrorCode::refused, "another epoch of the same number is known here");
    }
    return {};
  }
  if (newest_ != nullptr && epoch->cluster() != newest_->cluster()) {
    return fail(ErrorCode::refused, "the epoch is another cluster's");
  }
  const std::string path = std::string(directory) + "/" + name_of(epoch->number());
  const std::string fresh = std::string(directory) + "/new";
  auto file = files_.open(fresh, FileSystem::Mode::create);
  if (!file) return std::unexpected(file.error());
  if (auto wrote = (*file)->write_at(0, encode_epoch(*epoch)); !wrote) return wrote;
  if (auto synced = (*file)->sync(); !synced) return synced;
  file->reset();
  if (auto renamed = files_.rename(fresh, path); !renamed) return renamed;
  if (auto synced = files_.sync_directory(std::string(directory)); !synced) return synced;
  // The directory itself is new at the first epoch.
  if (auto synced = files_.sync_directory(""); !synced) return synced;
  newest_ = std::move(epoch);
  note_members(*newest_);
  return {};
}

}  // namespace coterie
