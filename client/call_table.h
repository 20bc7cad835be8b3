#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/check.h"
#include "client/call.h"

namespace coterie::client {

/// The calls in progress, in slots that are used again. An id is: serial | slot; serials rise. A
/// call stays where it is until it is erased.
class CallTable {
 public:
  /// A new one, of which only the id is set.
  Call& add() {
    if (free_.empty()) {
      free_.push_back(slots_.size());
      slots_.emplace_back();
    }
    const std::size_t slot = free_.back();
    check(slot >> slot_bits == 0, "limits::client_calls are fewer than there are slots");
    free_.pop_back();
    Call& call = slots_[slot].emplace();
    call.id = CallId{++last_serial_ << slot_bits | slot};
    return call;
  }
  void erase(CallId id) {
    slots_[slot_of(id)].reset();
    free_.push_back(slot_of(id));
  }
  /// Null where it has ended.
  [[nodiscard]] Call* find(CallId id) {
    if (slot_of(id) >= slots_.size()) return nullptr;
    auto& call = slots_[slot_of(id)];
    return call && call->id == id ? &*call : nullptr;
  }
  [[nodiscard]] std::size_t size() const { return slots_.size() - free_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// In no order.
  [[nodiscard]] std::vector<CallId> ids() const {
    std::vector<CallId> out;
    for (const auto& call : slots_) {
      if (call) out.push_back(call->id);
    }
    return out;
  }

 private:
  static constexpr unsigned slot_bits = 24;

  static std::size_t slot_of(CallId id) { return id.value & ((1U << slot_bits) - 1); }

  std::deque<std::optional<Call>> slots_;
  std::vector<std::size_t> free_;
  std::uint64_t last_serial_ = 0;
};

}  // namespace coterie::client
