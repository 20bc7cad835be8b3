#pragma once

#include <source_location>

namespace coterie {

namespace detail {
[[noreturn]] void check_failed(const char* what, const std::source_location& where);
}

/// States what our own code guarantees; on in every build, ends the process where it does not hold.
/// Never for bytes from network, disk or user: those return an Error.
inline void check(bool holds, const char* what,
                  const std::source_location& where = std::source_location::current()) {
  if (!holds) [[unlikely]] {
    detail::check_failed(what, where);
  }
}

}  // namespace coterie
