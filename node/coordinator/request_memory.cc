#include "node/coordinator/request_memory.h"

#include <algorithm>

#include "base/check.h"

namespace coterie::coordinator {

namespace {

constexpr std::size_t least_entries = 64;

/// Clients choose the ids: all of their bits count (the finalizer of MurmurHash3).
std::size_t mixed(RequestId id) {
  std::uint64_t hash = std::hash<RequestId>{}(id);
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
  return hash ^ hash >> 33;
}

}  // namespace

RequestMemory::RequestMemory(std::size_t most) : most_(std::max<std::size_t>(most, 1)) {}

/// Where `id` stands in the index, or the free place where it would.
std::size_t RequestMemory::place(RequestId id) const {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = mixed(id) & mask;
  while (index_[at] != 0 && ring_[index_[at] - 1].id != id) at = (at + 1) & mask;
  return at;
}

RequestMemory::Entry* RequestMemory::find(RequestId id, Instant now) {
  while (count_ > 0 && ring_[first_].until <= now) drop_oldest();
  if (count_ == 0) return nullptr;
  const std::uint32_t at = index_[place(id)];
  return at == 0 ? nullptr : &ring_[at - 1];
}

void RequestMemory::add(const Entry& entry) {
  if (count_ == most_) drop_oldest();
  if (count_ == ring_.size()) grow();
  const std::size_t at = (first_ + count_) % ring_.size();
  ring_[at] = entry;
  ++count_;
  const std::size_t slot = place(entry.id);
  check(index_[slot] == 0, "a request is remembered once");
  index_[slot] = static_cast<std::uint32_t>(at + 1);
}

/// Takes it from the index too, moving up those that were probed past it.
void RequestMemory::drop_oldest() {
  const std::size_t mask = index_.size() - 1;
  std::size_t hole = place(ring_[first_].id);
  first_ = (first_ + 1) % ring_.size();
  --count_;
  for (std::size_t at = (hole + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    const std::size_t home = mixed(ring_[index_[at] - 1].id) & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      index_[hole] = index_[at];
      hole = at;
    }
  }
  index_[hole] = 0;
}

void RequestMemory::grow() {
  std::vector<Entry> larger(std::min(most_, std::max(least_entries, 2 * ring_.size())));
  for (std::size_t i = 0; i < count_; ++i) larger[i] = ring_[(first_ + i) % ring_.size()];
  ring_ = std::move(larger);
  first_ = 0;
  std::size_t places = 2;
  while (places < 2 * ring_.size()) places *= 2;
  index_.assign(places, 0);
  for (std::size_t i = 0; i < count_; ++i) {
    index_[place(ring_[i].id)] = static_cast<std::uint32_t>(i + 1);
  }
}

}  // namespace coterie::coordinator
