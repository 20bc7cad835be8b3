#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace coterie {

/// Where a door listens: a numeric IPv4 or IPv6 address, or a name to be resolved, and a port.
struct Address {
  std::string host;
  std::uint16_t port = 0;

  auto operator<=>(const Address&) const = default;
  /// "127.0.0.1:7101", "[::1]:7101".
  [[nodiscard]] std::string text() const;
  /// The reverse of text(). The error says what is wrong with `text`.
  [[nodiscard]] static Result<Address> parse(std::string_view text);
};

}  // namespace coterie
