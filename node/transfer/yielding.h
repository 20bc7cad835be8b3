#pragma once

#include <chrono>

#include "base/instant.h"

namespace coterie::transfer {

/// How long clients may hold up work in the background before it has one turn all the same.
inline constexpr Duration yields_most = std::chrono::seconds(10);
/// Between two looks whether clients still wait.
inline constexpr Duration yield_pause = std::chrono::milliseconds(50);

}  // namespace coterie::transfer
