#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "client/admin_tool/fetch.h"

namespace coterie::admin_tool {

/// A member whose own admin door can be asked.
struct OtherDoor {
  std::string id;
  Address door;
};

/// The other members that the asked node sees alive or suspect, from its /v1/status. Errors:
/// corrupt (not such a document).
[[nodiscard]] Result<std::vector<OtherDoor>> other_doors(const std::string& status);

/// What `door` answered to /v1/status.
struct OtherAnswer {
  std::string id;
  Result<Fetched> answer;
};

/// The asked node's /v1/status with what only the others know put in: their reports, how they see
/// each other, how far their clocks differ, their own problems; and the verdict over all that.
/// Pure. Errors: corrupt.
[[nodiscard]] Result<std::string> merge_status(const Fetched& asked,
                                               const std::vector<OtherAnswer>& others);

}  // namespace coterie::admin_tool
