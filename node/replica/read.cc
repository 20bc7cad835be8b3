#include "node/replica/read.h"

#include "storage/record.h"

namespace coterie::replica {

Result<std::uint64_t> read_digest(BytesView key, std::optional<BytesView> local) {
  if (!local) return 0;
  const Result<Record> record = decode_record(key, *local);
  if (!record) return std::unexpected(record.error());
  return digest(*record);
}

}  // namespace coterie::replica
