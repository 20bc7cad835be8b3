#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/env/file.h"
#include "base/error.h"
#include "storage/log_writer.h"
#include "storage/store.h"

namespace coterie {

struct LogReaderOptions {
  std::string directory;
  std::uint64_t log_id = 0;
  /// The table holds everything through here.
  LogPosition table;
};

/// What a replay found.
struct LogReplay {
  LogEnd end;
  /// Appends that had been synced are lost.
  bool is_damaged = false;
  /// Of these partitions (none: of hints for other nodes only); null: it is not known of which.
  std::optional<std::vector<std::uint32_t>> damaged;
  std::string what_happened;  // for people; empty if nothing was damaged
};

/// Hands every append above options.table, in order, to `apply`, up to where the chain of batches
/// ends. A torn end was never synced and is dropped. Makes what it accepted durable. Errors:
/// unsupported_version, io.
using ReplayVisitor = std::function<Result<void>(LogPosition, std::vector<Write>)>;
[[nodiscard]] Result<LogReplay> replay_log(FileSystem& files, const LogReaderOptions& options,
                                           const ReplayVisitor& apply);

}  // namespace coterie
