#pragma once

#include "base/wire/codec.h"

namespace coterie::wire {

/// Decodes `body` as what `kind` says and encodes the message again: all its bytes are read, and
/// every field that was lost shows as a difference.
[[nodiscard]] Result<Bytes> reencode(Kind kind, BytesView body, const Envelope& envelope);

}  // namespace coterie::wire
