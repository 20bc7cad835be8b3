#include "node/replica/read.h"

#include "storage/record.h"

namespace coterie::replica {

Result<std::uint64_t> read_digest(BytesView key, std::optional<BytesView> local) {
  if (!local) return 0;
  return peek_digest(key, *local);
}

}  // namespace coterie::replica
