#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace coterie::tool {

/// A record of a file to import, to export or to compare.
struct FileRecord {
  Bytes key;
  Bytes sort_key;
  Bytes value;

  bool operator==(const FileRecord&) const = default;
};

enum class Format : std::uint8_t { tsv, json_lines };

}  // namespace coterie::tool
