#include "client/tool/record_file.h"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <utility>

#include "client/tool/json.h"
#include "client/tool/tsv.h"

namespace coterie::tool {

Format format_of(const std::string& path) {
  for (const char* ending : {".jsonl", ".ndjson", ".json"}) {
    if (path.ends_with(ending)) return Format::json_lines;
  }
  return Format::tsv;
}

Result<RecordFile> RecordFile::open(const std::string& path, Format format) {
  RecordFile out;
  out.format_ = format;
  if (path == "-") {
    out.name_ = "standard input";
    return out;
  }
  out.name_ = path;
  out.file_ = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*out.file_) {
    return fail(ErrorCode::invalid_argument, "cannot read " + path + ": " + std::strerror(errno));
  }
  std::uint64_t records = 0;
  while (std::getline(*out.file_, out.line_)) records += out.line_.empty() ? 0U : 1U;
  out.file_->clear();
  out.file_->seekg(0);
  if (*out.file_) {
    out.total_ = records;
  } else {
    // A pipe: it has to be read once only.
    return fail(ErrorCode::invalid_argument,
                "cannot read " + path + " twice; give a pipe as standard input: -");
  }
  return out;
}

Result<std::optional<FileRecord>> RecordFile::next() {
  std::istream& in = file_ == nullptr ? std::cin : *file_;
  while (std::getline(in, line_)) {
    ++line_number_;
    if (line_.empty()) continue;
    auto record = format_ == Format::tsv ? from_tsv(line_) : from_json_line(line_);
    if (record) return std::move(*record);
    return fail(ErrorCode::invalid_argument,
                name_ + ", line " + std::to_string(line_number_) + ": " + record.error().message);
  }
  if (in.bad()) return fail(ErrorCode::io, name_ + " cannot be read to its end");
  return std::nullopt;
}

}  // namespace coterie::tool
