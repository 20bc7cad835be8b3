#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/admin_tool/views.h"

/// /v1/repair of several nodes, put together by merge_answers(). Pure. Errors: corrupt.
namespace coterie::admin_tool {

/// How far a repair or verify is, over those of `ids` that answered.
struct RepairProgress {
  bool is_over = true;
  std::size_t silent = 0;
  std::uint64_t partitions = 0;
  std::uint64_t partitions_done = 0;
  std::uint64_t partitions_failed = 0;
  std::uint64_t differing = 0;
  std::uint64_t repaired = 0;
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;
  std::uint64_t left_s = 0;
  bool is_left_known = false;
};
[[nodiscard]] Result<RepairProgress> repair_progress(const std::string& merged,
                                                     const std::vector<std::string>& ids);
/// One line.
[[nodiscard]] std::string progress_text(const RepairProgress& progress);
/// What came of it, and the keys that differ; well if nothing failed, and nothing differed that was
/// not repaired.
[[nodiscard]] Result<Rendered> repair_view(const std::string& merged, bool use_color);

}  // namespace coterie::admin_tool
