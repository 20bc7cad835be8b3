#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace coterie::tool {

/// Whether bytes are well-formed UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF).
[[nodiscard]] inline bool is_utf8(BytesView bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i++]);
    if (first < 0x80) continue;
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4) return false;
    std::uint32_t point = first & (0x3fU >> more);
    for (int k = 0; k < more; ++k, ++i) {
      if (i == bytes.size() || (static_cast<unsigned char>(bytes[i]) & 0xc0U) != 0x80) return false;
      point = point << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3fU);
    }
    const std::uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
  }
  return true;
}

}  // namespace coterie::tool
