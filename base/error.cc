#include "base/error.h"

namespace coterie {

Executed executed(ErrorCode code) {
  switch (code) {
    case ErrorCode::unknown_outcome:
    case ErrorCode::internal:
    case ErrorCode::io:
    case ErrorCode::closed:
      return Executed::unknown;
    default:
      return Executed::no;
  }
}

bool retryable(ErrorCode code) {
  switch (code) {
    case ErrorCode::unknown_bucket:
    case ErrorCode::unavailable:
    case ErrorCode::overloaded:
    case ErrorCode::unknown_outcome:
    case ErrorCode::not_owner:
    case ErrorCode::stale_configuration:
    case ErrorCode::unsure:
    case ErrorCode::read_only:
    case ErrorCode::io:
    case ErrorCode::closed:
    case ErrorCode::hints_full:
      return true;
    default:
      return false;
  }
}

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::too_many_siblings:
      return "too_many_siblings";
    case ErrorCode::wrong_context:
      return "wrong_context";
    case ErrorCode::unknown_bucket:
      return "unknown_bucket";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::expired:
      return "expired";
    case ErrorCode::unknown_outcome:
      return "unknown_outcome";
    case ErrorCode::not_owner:
      return "not_owner";
    case ErrorCode::stale_configuration:
      return "stale_configuration";
    case ErrorCode::unsure:
      return "unsure";
    case ErrorCode::read_only:
      return "read_only";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unsupported_version:
      return "unsupported_version";
    case ErrorCode::io:
      return "io";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::internal:
      return "internal";
    case ErrorCode::hints_full:
      return "hints_full";
  }
  return "unnamed";
}

}  // namespace coterie
