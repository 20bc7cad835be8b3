#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/wire/messages.h"
#include "storage/key.h"

namespace coterie::coordinator {

/// The stored keys that a scan covers: those of its partition key between its sort keys, or the
/// whole partition (other buckets' records lie among them and are passed over). `token` is the
/// partition key's; not looked at without one. Errors: invalid_argument (sort keys without a
/// partition key), too_large.
[[nodiscard]] Result<KeyRange> scan_range(const wire::Scan& scan, Token token,
                                          std::uint32_t partitions);

/// Where the next page begins: after `last`. Opaque to clients, versioned, bound to the range.
[[nodiscard]] Bytes encode_cursor(const KeyRange& range, BytesView last);
/// The first key of the page. Errors: invalid_argument (not a cursor of this range),
/// unsupported_version.
[[nodiscard]] Result<Bytes> decode_cursor(const KeyRange& range, BytesView cursor);

}  // namespace coterie::coordinator
