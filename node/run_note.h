#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/env/file.h"
#include "base/error.h"

namespace coterie {

/// What a shard keeps of its runs beside its data, so that the next one knows whether power may
/// have taken what was written and not synced: a run that did not end by end_run(), in another boot
/// of the machine. A small file in the root of `files`; format in docs/storage-formats.md.
struct RunNote {
  /// Of the machine, when the run began (boot_id()); empty: unknown.
  Bytes boot;
  bool has_ended = false;  ///< everything was synced then
  /// The last time that power may have taken data, as a random number; 0: never.
  std::uint64_t doubt = 0;

  bool operator==(const RunNote&) const = default;
};

struct RunBegin {
  std::string boot;
  /// The shard holds data: without a note nobody knows how its last run ended.
  bool has_data = false;
  /// Random, not 0: names the loss of power, if there was one.
  std::uint64_t fresh_doubt = 0;
};

/// Notes durably that a run begins; before anything of it is written. The number of the last loss
/// of power, 0 for none. Errors: unsupported_version, io.
[[nodiscard]] Result<std::uint64_t> begin_run(FileSystem& files, const std::string& path,
                                              const RunBegin& begin);
/// Notes durably that the run has ended, with all that it wrote synced. Errors: those of files.
[[nodiscard]] Result<void> end_run(FileSystem& files, const std::string& path);

[[nodiscard]] Bytes encode_run_note(const RunNote& note);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<RunNote> decode_run_note(BytesView bytes);

}  // namespace coterie
