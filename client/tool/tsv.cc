#include "client/tool/tsv.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace coterie::tool {
namespace {

void append_escaped(std::string& out, BytesView field) {
  for (const char byte : field) {
    switch (byte) {
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out.push_back(byte);
    }
  }
}

Result<Bytes> unescape(std::string_view field) {
  Bytes out;
  out.reserve(field.size());
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\') {
      out.push_back(field[i]);
      continue;
    }
    const char next = ++i < field.size() ? field[i] : '\0';
    switch (next) {
      case 't':
        out.push_back('\t');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case '\\':
        out.push_back('\\');
        break;
      default:
        return fail(ErrorCode::invalid_argument,
                    "a backslash is followed by something else than t, n, r or a backslash; a "
                    "backslash itself is written \\\\");
    }
  }
  return out;
}

}  // namespace

std::string to_tsv(const FileRecord& record) {
  std::string line;
  line.reserve(record.key.size() + record.sort_key.size() + record.value.size() + 2);
  append_escaped(line, record.key);
  line.push_back('\t');
  if (!record.sort_key.empty()) {
    append_escaped(line, record.sort_key);
    line.push_back('\t');
  }
  append_escaped(line, record.value);
  return line;
}

Result<FileRecord> from_tsv(std::string_view line) {
  std::vector<Bytes> fields;
  std::size_t begin = 0;
  while (begin <= line.size()) {
    const std::size_t end = std::min(line.find('\t', begin), line.size());
    auto field = unescape(line.substr(begin, end - begin));
    if (!field) return std::unexpected(field.error());
    fields.push_back(std::move(*field));
    begin = end + 1;
  }
  if (fields.size() < 2 || fields.size() > 3) {
    return fail(ErrorCode::invalid_argument,
                "it has " + std::to_string(fields.size()) +
                    " fields; a line is key TAB value or key TAB sort key TAB value, and a tab "
                    "within a field is written \\t");
  }
  FileRecord record{.key = std::move(fields.front()), .sort_key = {}, .value = {}};
  if (fields.size() == 3) record.sort_key = std::move(fields[1]);
  record.value = std::move(fields.back());
  if (record.key.empty()) return fail(ErrorCode::invalid_argument, "its key is empty");
  return record;
}

}  // namespace coterie::tool
