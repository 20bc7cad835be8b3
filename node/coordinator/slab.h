#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "node/coordinator/local_replica.h"

namespace coterie::coordinator {

/// Operations in reused slots, found by the tags that are given out for them in O(1). A slot keeps
/// its buffers' capacity, so that a steady load allocates nothing. T has `reset()`.
template <class T>
class Slab {
 public:
  /// A tag is: serial of the slot's use (32 bits) | slot (22) | detail (10).
  static constexpr unsigned detail_bits = 10;
  static constexpr unsigned slot_bits = 22;

  /// None: `most` are in use.
  [[nodiscard]] std::optional<std::uint64_t> take(std::size_t most) {
    if (used_ >= most) return std::nullopt;
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    ++used_;
    Slot& slot = slots_[index];
    slot.is_used = true;
    ++slot.serial;
    slot.value.reset();
    return (std::uint64_t{slot.serial} << slot_bits) | index;
  }

  /// Null where the operation is over.
  [[nodiscard]] T* find(std::uint64_t id) {
    const std::uint64_t index = id & ((1U << slot_bits) - 1);
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    return slot.is_used && slot.serial == id >> slot_bits ? &slot.value : nullptr;
  }

  void release(std::uint64_t id) {
    const auto index = static_cast<std::uint32_t>(id & ((1U << slot_bits) - 1));
    slots_[index].is_used = false;
    free_.push_back(index);
    --used_;
  }

  /// Calls `visit(id)` for each operation there is when its turn comes; it may be released within.
  template <class Visit>
  void for_each(const Visit& visit) {
    for (std::size_t index = 0; index < slots_.size(); ++index) {
      const Slot& slot = slots_[index];
      if (slot.is_used) visit((std::uint64_t{slot.serial} << slot_bits) | index);
    }
  }

  [[nodiscard]] std::size_t size() const { return used_; }

 private:
  struct Slot {
    // first, on a line of memory with the beginning of the value
    std::uint32_t serial = 0;
    bool is_used = false;
    T value;
  };

  std::deque<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t used_ = 0;
};

}  // namespace coterie::coordinator
