#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "client/results.h"
#include "client/tool/file_record.h"

namespace coterie::tool {

/// One line of JSON lines, without its line feed:
///   {"key":"...","sort_key":"...","value":"..."}
/// sort_key is left out where it is empty. A field that is not UTF-8 is written as "key_base64",
/// "sort_key_base64" or "value_base64".
[[nodiscard]] std::string to_json_line(const FileRecord& record);
/// The reverse. Other fields are refused, so that a misspelt one is not lost. Error:
/// invalid_argument.
[[nodiscard]] Result<FileRecord> from_json_line(std::string_view line);

/// What `get --json` prints:
/// {"bucket","key","found","weak","stand_ins","context","siblings":[{"value",
/// "timestamp_ms","expires_ms"}]}.
[[nodiscard]] std::string to_json(const client::Key& key, const client::GetResult& result);
/// What `put --json` and `delete --json` print:
/// {"bucket","key","context","siblings","weak","stand_ins"}.
[[nodiscard]] std::string to_json(const client::Key& key, const client::PutResult& result);
/// What every command prints with --json when it fails: {"error":{"code","message","in_doubt",
/// "retryable"}}.
[[nodiscard]] std::string to_json(const Error& error);

}  // namespace coterie::tool
