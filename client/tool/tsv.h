#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "client/tool/file_record.h"

namespace coterie::tool {

/// A line, without its line feed: key TAB value, or key TAB sort key TAB value. In each field a tab
/// is \t, a line feed \n, a carriage return \r, a backslash \\; all other bytes stand for
/// themselves.
[[nodiscard]] std::string to_tsv(const FileRecord& record);
/// The reverse. Raw carriage returns are taken as they are. Error: invalid_argument; says what is
/// wrong with the line.
[[nodiscard]] Result<FileRecord> from_tsv(std::string_view line);

}  // namespace coterie::tool
