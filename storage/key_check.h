#pragma once

#include <span>

#include "base/error.h"
#include "storage/store.h"

namespace coterie {

/// What every store asks of writes. Errors: invalid_argument (empty key), too_large (key over
/// limits::table_key_bytes).
[[nodiscard]] Result<void> check_keys(std::span<const Write> writes);

}  // namespace coterie
