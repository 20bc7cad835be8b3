#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace coterie::tool {

/// RFC 4648, with padding.
[[nodiscard]] std::string to_base64(BytesView bytes);
/// The reverse; nothing if `text` is not what to_base64 gives.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

}  // namespace coterie::tool
