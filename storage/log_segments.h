#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/env/file.h"
#include "storage/store.h"

namespace coterie {

/// One file of the log.
struct LogSegment {
  std::string name;
  std::unique_ptr<File> file;
  std::uint64_t size_bytes = 0;
  /// The position of its last append, once it is full.
  LogPosition last;
};

/// "segment-00000007".
[[nodiscard]] std::string segment_name(std::uint64_t number);
/// The number of a segment's name; 0 if it is not one.
[[nodiscard]] std::uint64_t segment_number(const std::string& name);

}  // namespace coterie
