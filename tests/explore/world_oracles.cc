// What must hold in every state.

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "storage/versions.h"
#include "tests/explore/world.h"
#include "tests/explore/world_key.h"

namespace coterie::explore {

std::string World::violation() const {
  if (was_one_behind_) return "an owner that forgot nothing was found behind a purge";
  for (const Owner& one : owners_) {
    for (const Owner& other : owners_) {
      if (other.runs == 0 && other.copy.generation() < one.copy.purged()) {
        return "an owner that forgot nothing stands behind a purge";
      }
    }
  }
  for (std::size_t owner = 0; owner < owners; ++owner) {
    const auto one = owners_[owner].record;
    const auto next = owners_[(owner + 1) % owners].record;
    if (merged_of(*records_, one, next) != merged_of(*records_, next, one)) {
      return "what two owners hold merges to different records";
    }
  }
  std::vector<std::size_t> whole;
  std::vector<std::size_t> all;
  for (std::size_t owner = 0; owner < owners; ++owner) {
    if (!may_read(owner)) continue;
    all.push_back(owner);
    // What was acknowledged may be gone from it, and nobody knows.
    if (!owners_[owner].is_lacking) whole.push_back(owner);
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (std::size_t j = i + 1; j < whole.size(); ++j) {
      if (auto wrong = read_violation({whole[i], whole[j]}); !wrong.empty()) return wrong;
    }
  }
  return read_violation(all);
}

/// Of a strict read of these owners. Those that stand behind a purge are left out of it, as
/// node/coordinator/gets_repair.cc does; fewer than R of them are no read.
std::string World::read_violation(const std::vector<std::size_t>& asked) const {
  Generation purged;
  bool differs = false;
  for (const auto owner : asked) {
    purged = std::max(purged, owners_[owner].copy.purged());
    differs = differs || owners_[owner].record != owners_[asked.front()].record;
  }
  std::size_t answered = 0;
  Records::Id merged = 0;
  for (const auto owner : asked) {
    if (differs && owners_[owner].copy.generation() < purged) continue;
    ++answered;
    merged = merged_of(*records_, merged, owners_[owner].record);
  }
  if (answered < quorum) return {};
  std::string by = "read of owners";
  for (const auto owner : asked) by += " " + std::to_string(owner);
  Ops shown = 0;
  if (merged != 0) {
    const auto record = decode_record(key(), records_->bytes(merged));
    check(record.has_value(), "what was encoded decodes");
    for (const Sibling& sibling : record->siblings) {
      const auto op = static_cast<std::size_t>(sibling.value.front() - 'a');
      const bool is_known = op < ops_.size() && !ops_[op].is_delete && ops_[op].dot == sibling.dot;
      if (!is_known) return "a value was invented: " + by;
      if ((shown & (1U << op)) != 0) return "a value is shown twice: " + by;
      shown = static_cast<Ops>(shown | (1U << op));
    }
  }
  Ops overwritten = 0;
  for (const Op& op : ops_) overwritten = overwritten | op.seen;
  for (std::size_t op = 0; op < ops_.size(); ++op) {
    if (!ops_[op].is_acknowledged) continue;
    const auto bit = 1U << op;
    const auto number = std::to_string(op);
    if ((shown & ops_[op].seen) != 0) return "what write " + number + " replaced is back: " + by;
    if (ops_[op].is_delete || ((shown | overwritten) & bit) != 0) continue;
    return "the acknowledged write " + number + " is gone: " + by;
  }
  return {};
}

}  // namespace coterie::explore
