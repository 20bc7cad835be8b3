#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/epoch.h"

/// What operators ask of the ring, before it is done (DESIGN: topology).
namespace coterie::plan {

struct Join {
  Member member;

  bool operator==(const Join&) const = default;
};

/// `by` takes over what `node` owns, which then is no member any more.
struct Replace {
  NodeId node;
  Member by;
  bool is_dead = false;  ///< node never comes back: as Remove, the operator stands in for it

  bool operator==(const Replace&) const = default;
};

struct Weigh {
  NodeId node;
  std::uint32_t weight = 1;

  bool operator==(const Weigh&) const = default;
};

struct Rezone {
  NodeId node;
  std::string zone;

  bool operator==(const Rezone&) const = default;
};

struct Leave {
  NodeId node;

  bool operator==(const Leave&) const = default;
};

/// Of a dead node: nobody waits for it, the operator stands in for its fences. That it is dead is
/// for the caller to make sure of.
struct Remove {
  NodeId node;

  bool operator==(const Remove&) const = default;
};

/// At most one for a node.
using StagedChange = std::variant<Join, Replace, Weigh, Rezone, Leave, Remove>;

/// Adds `change` to `staged`, whose changes were all added by this. `former`: nodes that were
/// members once. Errors, with what is wrong and what to do; `staged` is then as it was:
/// not_found: a node that is no member; invalid_argument: weight, zone, address or id is not what
/// it must be; refused: all else.
[[nodiscard]] Result<void> stage(const Epoch& base, std::span<const NodeId> former,
                                 std::vector<StagedChange>& staged, StagedChange change);

/// The nodes that the change is about: one, or the old and the new one of a Replace.
[[nodiscard]] std::vector<NodeId> nodes_of(const StagedChange& change);

/// For people: "leave 0011..." and so on.
[[nodiscard]] std::string words(const StagedChange& change);

}  // namespace coterie::plan
