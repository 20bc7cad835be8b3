#pragma once

#include "base/error.h"

namespace coterie::tool {

/// What a script learns from the end of `coterie`; --help lists them.
enum class Exit : int {
  success = 0,
  failed = 1,       // refused, or compare found differences
  usage = 2,        // the command line, a file or an option is wrong
  not_found = 3,    // the key has no value
  unknown = 4,      // a write may or may not have been executed
  unavailable = 5,  // nobody could be asked, or not in time; nothing was executed
};

inline constexpr const char* exit_codes_help =
    "Exit codes: 0 done; 1 failed, or differences found; 2 wrong usage or input; 3 not found; "
    "4 a write's outcome is unknown; 5 unavailable (nothing was executed; try again).";

[[nodiscard]] inline Exit exit_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::wrong_context:
    case ErrorCode::unknown_bucket:
      return Exit::usage;
    case ErrorCode::not_found:
      return Exit::not_found;
    case ErrorCode::unknown_outcome:
      return Exit::unknown;
    case ErrorCode::unavailable:
    case ErrorCode::overloaded:
    case ErrorCode::expired:
      return Exit::unavailable;
    default:
      return Exit::failed;
  }
}

}  // namespace coterie::tool
