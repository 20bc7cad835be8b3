#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace coterie::detail {

void check_failed(const char* what, const std::source_location& where) {
  std::fprintf(stderr, "coterie: a guarantee of the code does not hold: %s (%s:%u, %s)\n", what,
               where.file_name(), where.line(), where.function_name());
  std::abort();
}

}  // namespace coterie::detail
