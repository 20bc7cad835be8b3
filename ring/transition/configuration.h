#pragma once

#include <cstdint>
#include <span>

#include "base/ids.h"
#include "ring/stage.h"

namespace coterie::transition {

/// What an epoch says of one partition; borrows from whoever says it. Requests carry `number`, and
/// a replica that has fenced a later one refuses them.
///
/// | stage    | writes need             | reads need | the next entry is proposed when |
/// |----------|-------------------------|------------|---------------------------------------------|
/// | stable   | W of old                | R of old   | an operator commits a plan: open | | open |
/// W of old and W of new   | R of old   | each new owner covers its sources: cut_over | | cut_over
/// | W of old and W of new   | R of new   | enough have fenced it: stable, owners = new | |
/// aborting | W of old and W of new   | R of old   | enough have fenced it: stable, owners = old |
///
/// Aborting competes with cut_over for the entry after open. "Finished" and "aborted" are entries,
/// not states: what they leave is stable.
struct Configuration {
  ConfigurationNumber number;
  Stage stage = Stage::stable;
  std::span<const NodeId> old_owners;  ///< stable: the owners
  std::span<const NodeId> new_owners;  ///< empty if stable; as many as the old ones

  [[nodiscard]] bool is_changing() const { return stage != Stage::stable; }
};

/// Whether a replica that has durably or otherwise fenced `fenced` may take a request of
/// `configuration`.
[[nodiscard]] constexpr bool passes_fence(ConfigurationNumber fenced,
                                          ConfigurationNumber configuration) {
  return configuration >= fenced;
}

/// Whether a node may delete its copy: only once an epoch says that the change is over and the node
/// owns nothing of it. A node that has not heard of that epoch keeps what it has.
[[nodiscard]] bool may_delete_copy(const Configuration& configuration, NodeId node);

}  // namespace coterie::transition
