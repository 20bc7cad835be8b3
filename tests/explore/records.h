#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "base/bytes.h"

namespace coterie::explore {

/// Names bytes that many states share by small numbers; 0: there are none.
class Records {
 public:
  using Id = std::uint16_t;

  Records() { all_.emplace_back(); }
  [[nodiscard]] Id id_of(BytesView bytes);
  [[nodiscard]] const Bytes& bytes(Id id) const { return all_[id]; }

 private:
  std::deque<Bytes> all_;
  std::unordered_map<std::string, Id> ids_;
};

}  // namespace coterie::explore
