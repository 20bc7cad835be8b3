#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <string>

#include "client/admin_tool/talk.h"

namespace coterie::admin_tool {

/// How far that is which was begun on several nodes.
struct Progress {
  bool is_over = true;  ///< as far as was heard
  std::size_t silent = 0;
  std::string line;
};
using ReadProgress = std::function<Result<Progress>(const std::string& merged)>;

/// Asks all members for `path` again and again until it is over, and says on a terminal how far it
/// is. Gives up on members that are silent for long. The last answers, or an exit code: they cannot
/// be read.
[[nodiscard]] std::expected<std::string, int> wait_for_end(const Options& options,
                                                           const Members& members,
                                                           const std::string& path,
                                                           const ReadProgress& read);

}  // namespace coterie::admin_tool
