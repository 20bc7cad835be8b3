#include "gossip/seal.h"

namespace coterie::gossip {

std::optional<std::uint64_t> SipSeal::tag(std::uint8_t key_id, BytesView bytes) const {
  const auto key = keys_.find(key_id);
  if (key == keys_.end()) return std::nullopt;
  return siphash24(key->second, bytes);
}

}  // namespace coterie::gossip
