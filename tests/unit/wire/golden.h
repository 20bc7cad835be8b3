#pragma once

#include <string>

#include "base/bytes.h"

namespace coterie::wire {

/// How golden bytes are kept: 32 bytes a line in hexadecimal.
[[nodiscard]] std::string to_golden(BytesView bytes);

}  // namespace coterie::wire
