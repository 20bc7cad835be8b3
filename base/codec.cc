#include "base/codec.h"

namespace coterie {

/// `first` says that more bytes follow.
std::uint64_t ByteReader::long_varint(std::uint8_t first) {
  std::uint64_t value = first & 0x7fU;
  for (int shift = 7; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    if (!ok_) return 0;
    const std::uint64_t bits = byte & 0x7fU;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if ((byte & 0x80U) == 0) {
      // A needless last zero would be a second form of the same number.
      if (byte == 0) break;
      return value;
    }
  }
  ok_ = false;
  return 0;
}

BytesView ByteReader::sized() {
  const std::uint64_t size = varint();
  if (!ok_ || size > in_.size()) {
    ok_ = false;
    return {};
  }
  return raw(static_cast<std::size_t>(size));
}

}  // namespace coterie
