#include "storage/log_segments.h"

#include <charconv>
#include <string_view>

namespace coterie {

namespace {

constexpr std::string_view prefix = "segment-";
constexpr std::size_t digits = 8;

}  // namespace

std::string segment_name(std::uint64_t number) {
  auto text = std::to_string(number);
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  return std::string(prefix) + text;
}

std::uint64_t segment_number(const std::string& name) {
  const std::string_view text(name);
  if (!text.starts_with(prefix)) return 0;
  const auto number_text = text.substr(prefix.size());
  std::uint64_t number = 0;
  const auto* end = number_text.data() + number_text.size();
  const auto parsed = std::from_chars(number_text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return 0;
  return segment_name(number) == name ? number : 0;
}

}  // namespace coterie
