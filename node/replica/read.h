#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace coterie::replica {

/// The digest of the local record, 0 where there is none, once its checksum has been verified.
/// Errors: corrupt, unsupported_version: quarantine the record, redraw the actor, answer `unsure`.
[[nodiscard]] Result<std::uint64_t> read_digest(BytesView key, std::optional<BytesView> local);

}  // namespace coterie::replica
