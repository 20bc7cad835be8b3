#include "ring/transition/step.h"

#include <algorithm>

namespace coterie::transition {
namespace {

bool has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::ranges::count(nodes, node) != 0;
}

/// How many fences of the group are lacking; notes whose.
std::size_t lacking(std::span<const NodeId> group, const Evidence& evidence, std::size_t needed,
                    std::vector<NodeId>& unfenced) {
  std::size_t fenced = 0;
  for (const NodeId owner : group) {
    if (has(evidence.fenced, owner) || has(evidence.removed, owner)) {
      ++fenced;
    } else if (!has(unfenced, owner)) {
      unfenced.push_back(owner);
    }
  }
  return fenced >= needed ? 0 : needed - fenced;
}

void require_coverage(const Configuration& configuration, const Evidence& evidence,
                      SmallestQuorums smallest, Missing& out) {
  for (const NodeId owner : gained(configuration)) {
    std::vector<NodeId> sources;
    for (const auto& coverage : evidence.covered) {
      if (coverage.new_owner == owner) sources.push_back(coverage.source);
    }
    if (!is_covered(configuration, owner, sources, evidence.removed, smallest))
      out.uncovered.push_back(owner);
  }
}

void require_fences(const Configuration& configuration, const Evidence& evidence,
                    SmallestQuorums smallest, Missing& out) {
  const auto needed = fences_needed(configuration.old_owners.size(), smallest);
#ifndef COTERIE_PLANT_SKIPPED_FENCE  // defined only where a test must see it
  out.old_fences = lacking(configuration.old_owners, evidence, needed, out.unfenced);
#endif
  out.new_fences = lacking(configuration.new_owners, evidence, needed, out.unfenced);
}

}  // namespace

Stage stage_before(Step step) {
  switch (step) {
    case Step::cut_over:
    case Step::abort:
      return Stage::open;
    case Step::finish:
      return Stage::cut_over;
    case Step::end_abort:
      return Stage::aborting;
  }
  return Stage::stable;
}

std::size_t fences_needed(std::size_t replicas, SmallestQuorums smallest) {
#ifdef COTERIE_PLANT_FENCES_BY_W  // defined only where a test must see it
  return replicas - smallest.w + 1;
#else
  return replicas - std::min(smallest.r, smallest.w) + 1;
#endif
}

Missing missing_for(Step step, const Configuration& configuration, const Evidence& evidence,
                    SmallestQuorums smallest) {
  Missing out;
  if (configuration.stage != stage_before(step)) {
    out.is_wrong_stage = true;
    return out;
  }
  switch (step) {
    case Step::abort:
      break;
    case Step::cut_over:
      require_coverage(configuration, evidence, smallest, out);
      break;
    case Step::finish:
    case Step::end_abort:
      require_fences(configuration, evidence, smallest, out);
      break;
  }
  return out;
}

}  // namespace coterie::transition
