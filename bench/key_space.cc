#include "bench/key_space.h"

#include <algorithm>
#include <utility>

namespace coterie::bench {

KeySpace::KeySpace(std::string bucket, std::string prefix, std::uint64_t loaded)
    : bucket_(std::move(bucket)),
      prefix_(std::move(prefix)),
      loaded_(loaded),
      next_(loaded),
      readable_(loaded),
      locks_(stripes),
      contexts_(loaded) {}

client::Key KeySpace::key(std::uint64_t record) const {
  constexpr std::size_t digits = 12;
  const std::string number = std::to_string(record);
  const std::string zeros(digits - std::min(digits, number.size()), '0');
  return {.bucket = bucket_, .partition_key = prefix_ + zeros + number, .sort_key = {}};
}

void KeySpace::end_at(std::uint64_t loaded) {
  loaded_ = std::clamp<std::uint64_t>(loaded, 1, loaded_);
  next_ = loaded_;
  readable_ = loaded_;
}

void KeySpace::on_inserted(std::uint64_t record) {
  const std::scoped_lock lock(inserts_);
  inserted_.insert(record);
  std::uint64_t readable = readable_.load();
  while (!inserted_.empty() && *inserted_.begin() == readable) {
    inserted_.erase(inserted_.begin());
    ++readable;
  }
  readable_.store(readable);
}

client::Context KeySpace::context(std::uint64_t record) const {
  if (record >= contexts_.size()) return {};
  const std::scoped_lock lock(locks_[record % stripes]);
  return contexts_[record];
}

void KeySpace::set_context(std::uint64_t record, const client::Context& context) {
  if (record >= contexts_.size()) return;
  const std::scoped_lock lock(locks_[record % stripes]);
  contexts_[record] = context;
}

}  // namespace coterie::bench
