#include "client/tool/export.h"

#include <utility>

namespace coterie::tool {

void BucketReader::start() {
  while (!failure_ && active_ < options_.in_flight && next_ < options_.partitions) {
    ++active_;
    ask(PartitionId{next_++}, {}, 0);
  }
}

void BucketReader::ask(PartitionId partition, client::Cursor cursor, std::uint32_t failures) {
  client::Range range{.bucket = options_.bucket, .partition = partition};
  // The cursor is kept for a page that has to be asked for again.
  scan_(std::move(range), cursor,
        [this, partition, cursor, failures](Result<client::ScanPage> page) {
          if (page) {
            for (auto& record : page->records) take_(std::move(record));
            if (!page->is_last) return ask(partition, std::move(page->next), 0);
          } else if (const bool may_pass =
                         retryable(page.error().code) || page.error().code == ErrorCode::expired;
                     may_pass && !failure_ && failures + 1 < options_.tries) {
            return ask(partition, cursor, failures + 1);
          } else if (!failure_) {
            failure_ = page.error();
          }
          --active_;
        });
}

}  // namespace coterie::tool
