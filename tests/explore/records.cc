#include "tests/explore/records.h"

#include "base/check.h"

namespace coterie::explore {

Records::Id Records::id_of(BytesView bytes) {
  if (bytes.empty()) return 0;
  const auto [at, is_new] = ids_.try_emplace(std::string(bytes), static_cast<Id>(all_.size()));
  if (is_new) {
    check(all_.size() < UINT16_MAX, "a small scope has few records");
    all_.emplace_back(bytes);
  }
  return at->second;
}

}  // namespace coterie::explore
