#pragma once

#include <cstdlib>
#include <string>

namespace coterie::explore {

/// How much ./check asks a test to do.
[[nodiscard]] inline std::string scale() {
  const char* text = std::getenv("COTERIE_TEST_SCALE");
  return text != nullptr ? text : "normal";
}

}  // namespace coterie::explore
