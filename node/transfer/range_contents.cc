#include "node/transfer/range_contents.h"

#include <utility>

#include "storage/record.h"

namespace coterie::transfer {

Result<RangeContents> read_range(const Store& store, const KeyRange& range,
                                 const RangeBounds& bounds) {
  RangeContents out;
  std::size_t records = 0;
  std::size_t bytes = 0;
  auto scanned =
      store.scan(Space::records, range.from, range.to, [&](BytesView key, BytesView value) {
        if (records > 0 && (records >= bounds.records || bytes + value.size() > bounds.bytes)) {
          out.covered_to = key;
          return false;
        }
        records += 1;
        bytes += value.size();
        if (const auto digest = peek_digest(key, value)) {
          out.entries.push_back(
              {.key = Bytes(key), .digest = *digest, .leaf_hash = leaf_hash(key, *digest)});
        } else {
          out.damaged.emplace_back(key);
        }
        return true;
      });
  if (!scanned) return std::unexpected(std::move(scanned).error());
  return out;
}

}  // namespace coterie::transfer
