#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coterie::bench {

/// Bytes that have come and are not used up, for protocols of lines.
class Received {
 public:
  void add(std::string_view bytes) {
    if (at_ > 0) {
      bytes_.erase(0, at_);
      at_ = 0;
    }
    bytes_ += bytes;
  }
  [[nodiscard]] std::string_view rest() const { return std::string_view(bytes_).substr(at_); }
  void use(std::size_t bytes) { at_ += bytes; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

/// The first line without its "\r\n"; nothing: it is not whole.
[[nodiscard]] inline std::optional<std::string_view> first_line(std::string_view bytes) {
  const auto end = bytes.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  return bytes.substr(0, end);
}

}  // namespace coterie::bench
