#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/instant.h"

namespace coterie::bench {

[[nodiscard]] inline double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// 1234567 as 1,234,567.
[[nodiscard]] std::string grouped(std::uint64_t number);
/// Rounded; nothing below zero.
[[nodiscard]] std::string grouped(double number);

}  // namespace coterie::bench
