#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/instant.h"

namespace coterie::admin_tool {

/// What an admin door answered.
struct Fetched {
  int status = 0;  // HTTP's
  std::string body;
  /// The middle of the time that it took, by this machine's wall clock; half of it is the error.
  WallTime at;
};

/// GET `path` (with its query) of an admin door; waits a few seconds at most. Errors: unavailable
/// (nobody answers, and why). This file is the one adapter over cpp-httplib.
[[nodiscard]] Result<Fetched> fetch(const Address& door, const std::string& path);

/// The same of many doors, some at a time; the answers in the order of the doors.
[[nodiscard]] std::vector<Result<Fetched>> fetch_all(const std::vector<Address>& doors,
                                                     const std::string& path);

/// POST of a JSON document to many doors; as fetch_all().
[[nodiscard]] std::vector<Result<Fetched>> post_all(const std::vector<Address>& doors,
                                                    const std::string& path,
                                                    const std::string& document);

/// POST of a JSON document that may take long to be done.
[[nodiscard]] Result<Fetched> post_patiently(const Address& door, const std::string& path,
                                             const std::string& document);

/// For a value in a query.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace coterie::admin_tool
