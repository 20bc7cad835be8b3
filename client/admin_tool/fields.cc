#include "client/admin_tool/fields.h"

#include <nlohmann/json.hpp>

namespace coterie::admin_tool {

std::uint64_t number(const nlohmann::ordered_json& object, const char* field) {
  return object.at(field).get<std::uint64_t>();
}

}  // namespace coterie::admin_tool
