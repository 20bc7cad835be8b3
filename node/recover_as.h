#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env/file.h"
#include "base/error.h"
#include "base/ids.h"

namespace coterie {

/// How a node begins anew under the id of one that was lost, or restored from an old copy.
struct RecoverAs {
  NodeId node;
  std::uint16_t shards = 1;  ///< of the directory, if it is empty
};

/// Makes the data directory that of `as.node`, with nothing in it: what the node finds missing it
/// gets from others. False: it has been begun already, and goes on, unless the directory was
/// noticed to be an old copy since. Errors: refused: the directory holds a node's data, and of
/// which; io, those of identities.
[[nodiscard]] Result<bool> begin_anew(FileSystem& files, const RecoverAs& as);

/// Of the root of a data directory: the files and directories of a node, all that it holds, in the
/// order in which to delete them: whatever a crash leaves is not taken for the node's.
[[nodiscard]] std::vector<std::string> node_data(const std::vector<std::string>& names);

}  // namespace coterie
