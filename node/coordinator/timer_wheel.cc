#include "node/coordinator/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace coterie::coordinator {

void TimerWheel::put(const Entry& entry) {
  // what lies beyond the wheel waits in its last slot and is put back from there
  const std::int64_t last = current_ + static_cast<std::int64_t>(slots) - 1;
  const std::int64_t at = std::clamp(entry.tick, current_ + 1, last);
  const auto slot = static_cast<std::size_t>(at) % slots;
  if (!next_ || at < *next_) next_ = at;
  slots_[slot].push_back(entry);
  occupied_[slot / 64] |= std::uint64_t{1} << slot % 64;
}

void TimerWheel::add(Instant when, Tag tag) {
  put({.tick = (when.time_since_epoch() + tick - Duration(1)) / tick, .tag = tag});
}

std::optional<std::int64_t> TimerWheel::next_tick() const {
  const std::size_t first = static_cast<std::size_t>(current_ + 1) % slots;
  for (std::size_t step = 0; step <= occupied_.size(); ++step) {
    const std::size_t word = (first / 64 + step) % occupied_.size();
    std::uint64_t bits = occupied_[word];
    if (step == 0) bits &= ~std::uint64_t{0} << first % 64;
    if (step == occupied_.size()) bits &= ~(~std::uint64_t{0} << first % 64);
    if (bits == 0) continue;
    const std::size_t slot = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    return current_ + 1 + static_cast<std::int64_t>((slot + slots - first) % slots);
  }
  return std::nullopt;
}

std::optional<Instant> TimerWheel::next() const {
  if (!next_) return std::nullopt;
  return Instant(*next_ * tick);
}

/// A whole round or more has passed since the wheel was turned last, as before it is turned first:
/// each slot is looked at once, not once a round.
void TimerWheel::leap(std::int64_t target) {
  std::vector<Entry> all;
  for (std::optional<std::int64_t> next = next_tick(); next; next = next_tick()) {
    const std::size_t slot = static_cast<std::size_t>(*next) % slots;
    occupied_[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
    all.insert(all.end(), slots_[slot].begin(), slots_[slot].end());
    slots_[slot].clear();
  }
  // in the order of their adding already, within a tick
  std::ranges::stable_sort(all, {}, &Entry::tick);
  // what has come up by then waits in the first slot after it
  current_ = target - 1;
  next_.reset();
  for (const Entry& entry : all) put(entry);
}

void TimerWheel::advance(Instant now, std::vector<Tag>& due) {
  const std::int64_t target = now.time_since_epoch() / tick;
  if (target - current_ > static_cast<std::int64_t>(slots)) leap(target);
  while (current_ < target) {
    const std::optional<std::int64_t> next = next_tick();
    if (!next || *next > target) {
      current_ = target;
      break;
    }
    current_ = *next;
    const std::size_t slot = static_cast<std::size_t>(current_) % slots;
    occupied_[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
    moved_.swap(slots_[slot]);
    for (const Entry& entry : moved_) {
      if (entry.tick <= current_) {
        due.push_back(entry.tag);
      } else {
        put(entry);
      }
    }
    moved_.clear();
  }
  next_ = next_tick();
}

}  // namespace coterie::coordinator
