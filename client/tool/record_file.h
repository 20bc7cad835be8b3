#pragma once

#include <cstdint>
#include <fstream>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "client/tool/file_record.h"

namespace coterie::tool {

/// The format a file's name tells: .jsonl, .ndjson and .json are JSON lines, all else is TSV.
[[nodiscard]] Format format_of(const std::string& path);

/// Reads records line by line from a file, or from standard input ("-"). Empty lines are passed
/// over.
class RecordFile {
 public:
  /// Errors: invalid_argument (cannot be opened).
  [[nodiscard]] static Result<RecordFile> open(const std::string& path, Format format);

  /// The next record; nothing at the end. Error: invalid_argument, with file and line.
  [[nodiscard]] Result<std::optional<FileRecord>> next();
  /// How many records the file has, counted ahead; nothing for standard input and what else cannot
  /// be read twice.
  [[nodiscard]] std::optional<std::uint64_t> total() const { return total_; }

 private:
  RecordFile() = default;

  std::string name_;
  Format format_ = Format::tsv;
  std::unique_ptr<std::ifstream> file_;  // null: standard input
  std::string line_;
  std::uint64_t line_number_ = 0;
  std::optional<std::uint64_t> total_;
};

}  // namespace coterie::tool
