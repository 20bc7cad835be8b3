#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ring/stage.h"
#include "ring/transition/configuration.h"

namespace coterie::transition {

/// A set of owners: bit i stands for the i-th of Quorum::targets() of a write, which are
/// Epoch::holders().
using Places = std::uint32_t;

/// Who of a configuration's owners is in which group.
struct Groups {
  Stage stage = Stage::stable;
  Places old_owners = 0;
  Places new_owners = 0;  ///< none if stable

  [[nodiscard]] Places readers() const {
    return stage == Stage::cut_over ? new_owners : old_owners;
  }
};

[[nodiscard]] Groups groups_of(const Configuration& configuration);

/// What Quorum is over nodes, over places: for those who count many requests. Copyable.
class PlaceQuorum {
 public:
  PlaceQuorum() = default;
  /// `second`: none if one group is enough.
  PlaceQuorum(std::uint32_t needed, Places first, Places second)
      : needed_(needed), first_(first), second_(second) {}
  [[nodiscard]] static PlaceQuorum of_write(const Groups& groups, std::uint32_t w) {
    return {w, groups.old_owners, groups.new_owners};
  }
  [[nodiscard]] static PlaceQuorum of_read(const Groups& groups, std::uint32_t r) {
    return {r, groups.readers(), 0};
  }

  /// `place`, a fallback's, counts from now on where `owner` does.
  void add_stand_in(std::size_t place, std::size_t owner) {
    first_ |= (first_ >> owner & 1) << place;
    second_ |= (second_ >> owner & 1) << place;
  }

  /// The greatest number that each group has of these.
  [[nodiscard]] std::uint32_t held(Places answered) const {
    const auto of_first = static_cast<std::uint32_t>(std::popcount(answered & first_));
    if (second_ == 0) return of_first;
    return std::min(of_first, static_cast<std::uint32_t>(std::popcount(answered & second_)));
  }
  [[nodiscard]] bool is_reached(Places answered) const {
#ifdef COTERIE_PLANT_W_PLUS_PENDING  // defined only where a test must see it
    const auto pending = static_cast<std::uint32_t>(std::popcount(second_ & ~first_));
    return static_cast<std::uint32_t>(std::popcount(answered & (first_ | second_))) >=
           needed_ + pending;
#else
    return has_needed(answered & first_) && (second_ == 0 || has_needed(answered & second_));
#endif
  }
  [[nodiscard]] bool is_reachable_without(Places lost) const {
    return held(~lost) >= needed_;
  }
  /// All places of the groups that these do not reach.
  [[nodiscard]] Places lacking(Places answered) const {
    return (has_needed(answered & first_) ? 0 : first_) |
           (has_needed(answered & second_) ? 0 : second_);
  }

 private:
  /// As by std::popcount, which is a call where the processor's own may not be used.
  [[nodiscard]] bool has_needed(Places places) const {
    for (std::uint32_t more = needed_; more > 1; --more) places &= places - 1;
    return places != 0;
  }

  std::uint32_t needed_ = 0;
  Places first_ = 0;
  Places second_ = 0;
};

}  // namespace coterie::transition
