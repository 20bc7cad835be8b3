#pragma once

#include <array>

#include "ring/transition/configuration.h"

/// A partition of three owners, a, b and c, that c hands over to d.
namespace coterie::transition::samples {

constexpr NodeId a{.high = 1, .low = 1};
constexpr NodeId b{.high = 1, .low = 2};
constexpr NodeId c{.high = 1, .low = 3};
constexpr NodeId d{.high = 1, .low = 4};
constexpr NodeId e{.high = 1, .low = 5};

inline constexpr std::array old_owners = {c, a, b};
inline constexpr std::array new_owners = {d, a, b};

inline Configuration at(Stage stage) {
  Configuration out{.number = ConfigurationNumber{7}, .stage = stage, .old_owners = old_owners};
  if (stage != Stage::stable) out.new_owners = new_owners;
  return out;
}

}  // namespace coterie::transition::samples
