#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ring/epoch.h"
#include "ring/succession.h"
#include "ring/transition/entries.h"

/// Epochs in which owners change, made as a proposer makes them.
namespace coterie {

using EpochPtr = std::shared_ptr<const Epoch>;

inline EpochPtr next_epoch(const EpochPtr& from, EpochContents next) {
  auto made = Epoch::make(std::move(next));
  check(made.has_value() && check_succession(*from, *made).has_value(), "a legal epoch");
  return std::make_shared<const Epoch>(*std::move(made));
}

/// `to` takes the place of `from` among the partition's owners.
inline EpochPtr opened(const EpochPtr& before, PartitionId partition, NodeId from, NodeId to) {
  const auto owners = before->owners(partition);
  Handover handover{.partition = partition, .new_owners = {owners.begin(), owners.end()}};
  std::ranges::replace(handover.new_owners, from, to);
  EpochContents next = transition::following(*before);
  check(transition::open_change(next, {std::move(handover)}, {}).has_value(), "a change opens");
  return next_epoch(before, std::move(next));
}

/// The only change of `before` goes on.
inline EpochPtr stepped(const EpochPtr& before, transition::Step step) {
  EpochContents next = transition::following(*before);
  check(transition::take_step(next, before->changes().front().id, step).has_value(), "a step");
  return next_epoch(before, std::move(next));
}

}  // namespace coterie
