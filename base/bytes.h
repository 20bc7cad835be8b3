#pragma once

#include <string>
#include <string_view>

namespace coterie {

/// Owned raw bytes. No encoding and no terminator is implied.
using Bytes = std::string;

/// Borrowed raw bytes; valid as long as what they were taken from.
using BytesView = std::string_view;

}  // namespace coterie
