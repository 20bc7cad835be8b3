#include "storage/key_check.h"

#include "base/limits.h"

namespace coterie {

Result<void> check_keys(std::span<const Write> writes) {
  for (const auto& write : writes) {
    if (write.key.empty()) return fail(ErrorCode::invalid_argument, "an empty key");
    if (write.key.size() > limits::table_key_bytes) {
      return fail(ErrorCode::too_large, "a stored key of " + std::to_string(write.key.size()) +
                                            " bytes; at most " +
                                            std::to_string(limits::table_key_bytes));
    }
  }
  return {};
}

}  // namespace coterie
