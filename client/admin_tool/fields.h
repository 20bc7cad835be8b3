#pragma once

#include <cstdint>

namespace coterie::admin_tool {

/// A number that a node's document must have; throws as nlohmann's does. Its type is left open, so
/// that the library need not be included here.
template <class Json>
[[nodiscard]] std::uint64_t number(const Json& object, const char* field) {
  return object.at(field).template get<std::uint64_t>();
}

}  // namespace coterie::admin_tool
