#pragma once

#include <vector>

#include "base/instant.h"
#include "base/policy.h"
#include "base/wire/messages.h"
#include "storage/record.h"

namespace coterie::coordinator {

/// What a client sees of a record at `now`: no deleted and no expired value; in an lww bucket the
/// winner alone is judged. Borrows the values.
[[nodiscard]] std::vector<wire::SiblingView> visible(const Record& record, Resolver resolver,
                                                     WallTime now);

/// The context that a client is given with a record, so that its next put covers what it saw.
[[nodiscard]] Bytes context_of(BytesView key, const Record& record);

}  // namespace coterie::coordinator
