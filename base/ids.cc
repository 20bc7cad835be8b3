#include "base/ids.h"

namespace coterie {
namespace {

void append_hex(std::string& out, std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) {
    out.push_back(digits[(value >> shift) & 0xf]);
  }
}

std::optional<std::uint64_t> parse_hex_64(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint64_t>(c - 'a') + 10;
    } else {
      return std::nullopt;
    }
    value = (value << 4) | digit;
  }
  return value;
}

}  // namespace

std::string to_hex(std::uint64_t high, std::uint64_t low) {
  std::string out;
  out.reserve(32);
  append_hex(out, high);
  append_hex(out, low);
  return out;
}

std::string to_hex(std::uint64_t value) {
  std::string out;
  out.reserve(16);
  append_hex(out, value);
  return out;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> hex_to_128(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const auto high = parse_hex_64(text.substr(0, 16));
  const auto low = parse_hex_64(text.substr(16));
  if (!high || !low) return std::nullopt;
  return std::pair{*high, *low};
}

}  // namespace coterie
