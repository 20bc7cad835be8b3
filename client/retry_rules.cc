#include "client/retry_rules.h"

namespace coterie::client {

NextTry next_try(bool is_write, bool was_in_doubt, const TryFailure& failure) {
  const bool may_help = !failure.was_sent || retryable(failure.code);
  if (!is_write) return may_help ? NextTry::anywhere : NextTry::none;
  if (was_in_doubt) {
    // Where the node cannot be reached its table has probably gone with its process, and each
    // further wait only delays the honest answer.
    return failure.was_sent && may_help ? NextTry::same_node : NextTry::none;
  }
  if (!may_help) return NextTry::none;
  return leaves_in_doubt(failure) ? NextTry::same_node : NextTry::anywhere;
}

}  // namespace coterie::client
