#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace coterie::admin_tool {

/// A number that a node's document must have; throws as nlohmann's does.
[[nodiscard]] std::uint64_t number(const nlohmann::ordered_json& object, const char* field);

}  // namespace coterie::admin_tool
