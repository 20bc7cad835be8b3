#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/env/file.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/random.h"

namespace coterie {

/// What makes a data directory one node's; its file is written at the first start and each start
/// raises the incarnation.
struct Identity {
  NodeId node;
  std::uint16_t shards = 0;
  /// SWIM incarnation to begin with: above every one of an earlier run.
  std::uint64_t incarnation = 0;
};

/// Loads the identity or makes one (node id from `random`, `shards` shards), raises the incarnation
/// and stores it durably before it returns. Errors: corrupt, unsupported_version, refused (the
/// directory was made with another number of shards), io.
[[nodiscard]] Result<Identity> open_identity(FileSystem& files, std::uint16_t shards,
                                             Random& random);

/// Nothing: there is none yet. Errors: corrupt, unsupported_version, io.
[[nodiscard]] Result<std::optional<Identity>> load_identity(FileSystem& files);
[[nodiscard]] Result<void> keep_identity(FileSystem& files, const Identity& identity);

/// Writes a small file durably so that after a crash either the old or the new content is there.
/// `path` lies in the root of `files`.
[[nodiscard]] Result<void> replace_file(FileSystem& files, const std::string& path,
                                        BytesView content);
/// All of a file; nothing if there is none.
[[nodiscard]] Result<std::optional<Bytes>> read_file(FileSystem& files, const std::string& path);

}  // namespace coterie
