#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace coterie {

/// RFC 4648 section 4, with padding.
[[nodiscard]] std::string to_base64(BytesView bytes);
/// Nothing unless `text` is exactly what to_base64() gives for some bytes.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

}  // namespace coterie
