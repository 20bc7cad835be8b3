#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/log.h"

namespace coterie {

/// A Log over spdlog: one line an event, with time, level and component, to a file or standard
/// error. Errors: io (the file cannot be opened).
[[nodiscard]] Result<std::unique_ptr<Log>> make_log(const std::string& level,
                                                    const std::string& file);

}  // namespace coterie
