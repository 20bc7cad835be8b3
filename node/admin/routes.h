#pragma once

#include "node/admin/http_door.h"
#include "node/admin/source.h"

namespace coterie::admin {

/// Answers the admin door's requests (docs/operations.md lists them) with what `source` gives.
[[nodiscard]] HttpDoor::Handler routes(Source source);

}  // namespace coterie::admin
