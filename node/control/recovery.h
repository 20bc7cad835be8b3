#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/env/file.h"
#include "base/error.h"
#include "base/ids.h"

namespace coterie {

/// What a node keeps of having begun anew under the id of one that was lost or restored
/// (--recover-as): the file "recovery" of the data directory; format in docs/storage-formats.md.
struct Recovery {
  /// How far it is with its votes, which it has forgotten.
  enum class Votes : std::uint8_t {
    unknown = 1,  ///< it may have voted on any epoch: it votes on none
    through = 2,  ///< on none later than `through`: it votes on the later ones
    over = 3,     ///< such a one has come up
  };
  /// Above that of all marks that others remembered of it; 0: it has not asked them yet.
  std::uint64_t life = 0;
  Votes votes = Votes::unknown;
  EpochNumber through;

  bool operator==(const Recovery&) const = default;
};

/// The file that says, in words, that the data directory was noticed to be an old copy.
inline constexpr const char* restored_path = "restored";

[[nodiscard]] Bytes encode_recovery(const Recovery& recovery);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<Recovery> decode_recovery(BytesView bytes);

/// Nothing: the node never began anew. Errors: as decode_recovery(), io.
[[nodiscard]] Result<std::optional<Recovery>> load_recovery(FileSystem& files);
[[nodiscard]] Result<void> keep_recovery(FileSystem& files, const Recovery& recovery);

}  // namespace coterie
