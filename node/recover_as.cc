#include "node/recover_as.h"

#include <algorithm>
#include <string_view>

#include "node/control/recovery.h"
#include "node/identity.h"

namespace coterie {
namespace {

/// In the order in which they may be deleted: without an identity what is left is nobody's, and
/// that it was an old copy is known to the last.
constexpr std::string_view node_files[] = {"identity", "birth",  "epochs", "marks",
                                           "recovery", "staged", "vote",   restored_path};
/// What a node that has only been started, and never belonged to a cluster, has, too.
constexpr std::string_view of_strangers[] = {"birth", "identity", "recovery"};

bool holds_data(const std::vector<std::string>& names) {
  return std::ranges::any_of(node_data(names), [](const std::string& name) {
    return std::ranges::find(of_strangers, name) == std::end(of_strangers);
  });
}

}  // namespace

std::vector<std::string> node_data(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const bool is_file = std::ranges::find(node_files, name) != std::end(node_files);
    if (is_file || name.starts_with("shard-")) out.push_back(name);
  }
  // Directories of shards between the files.
  std::ranges::stable_sort(out, {}, [](const std::string& name) {
    const auto place = std::ranges::find(node_files, name) - std::begin(node_files);
    return place == std::ssize(node_files) ? 1 : 2 * place;
  });
  return out;
}

Result<bool> begin_anew(FileSystem& files, const RecoverAs& as) {
  const auto names = files.list("");
  if (!names) return std::unexpected(names.error());
  const auto known = load_identity(files);
  if (!known) return std::unexpected(known.error());
  const auto begun = load_recovery(files);
  if (!begun) return std::unexpected(begun.error());
  const bool is_old_copy = std::ranges::find(*names, restored_path) != names->end();
  if (*begun && *known && (*known)->node == as.node && !is_old_copy) return false;
  if (holds_data(*names)) {
    return fail(ErrorCode::refused,
                "--recover-as " + to_hex(as.node) +
                    ": the data directory holds data: move it away, or have all of it deleted by "
                    "--discard-data");
  }
  // In this order: an identity with nothing else must not be taken for that of a new node.
  if (auto kept = keep_recovery(files, {}); !kept) return std::unexpected(kept.error());
  const Identity identity{.node = as.node, .shards = as.shards, .incarnation = 1};
  if (auto kept = keep_identity(files, identity); !kept) return std::unexpected(kept.error());
  return true;
}

}  // namespace coterie
