#include "storage/version_vector.h"

#include <algorithm>

namespace coterie {

std::optional<VersionVector> VersionVector::from_sorted(Entries entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].second == 0 || entries[i].second > sequence_most) return std::nullopt;
    if (i > 0 && entries[i - 1].first >= entries[i].first) return std::nullopt;
  }
  VersionVector out;
  out.entries_ = std::move(entries);
  return out;
}

std::uint64_t VersionVector::sequence(ActorId actor) const {
  const auto at = std::ranges::lower_bound(entries_, actor, {}, &Entry::first);
  return at != entries_.end() && at->first == actor ? at->second : 0;
}

bool VersionVector::covers(const VersionVector& other) const {
  auto mine = entries_.begin();
  for (const Entry& theirs : other.entries_) {
    while (mine != entries_.end() && mine->first < theirs.first) ++mine;
    if (mine == entries_.end() || mine->first != theirs.first || mine->second < theirs.second) {
      return false;
    }
  }
  return true;
}

void VersionVector::join(const VersionVector& other) {
  if (covers(other)) return;
  Entries joined;
  joined.reserve(entries_.size() + other.entries_.size());
  auto mine = entries_.begin();
  auto theirs = other.entries_.begin();
  while (mine != entries_.end() && theirs != other.entries_.end()) {
    if (mine->first == theirs->first) {
      joined.emplace_back(mine->first, std::max(mine->second, theirs->second));
      ++mine;
      ++theirs;
    } else {
      joined.push_back(mine->first < theirs->first ? *mine++ : *theirs++);
    }
  }
  joined.append(mine, entries_.end());
  joined.append(theirs, other.entries_.end());
  entries_ = std::move(joined);
}

void VersionVector::add(const Dot& dot) {
  const auto at = std::ranges::lower_bound(entries_, dot.actor, {}, &Entry::first);
  if (at != entries_.end() && at->first == dot.actor) {
    at->second = std::max(at->second, dot.sequence);
  } else {
    entries_.insert(at, {dot.actor, dot.sequence});
  }
}

}  // namespace coterie
