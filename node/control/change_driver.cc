#include "node/control/change_driver.h"

#include <algorithm>

#include "ring/plan/members.h"
#include "ring/transition/entries.h"

namespace coterie {
namespace {

using transition::Step;

/// The step that is taken as soon as it may be; an abort is only asked for by people.
std::optional<Step> step_after(const Change& change) {
  switch (change.stage) {
    case Stage::open:
      return change.is_paused ? std::nullopt : std::optional(Step::cut_over);
    case Stage::cut_over:
      return Step::finish;
    case Stage::aborting:
      return Step::end_abort;
    case Stage::stable:
      break;
  }
  return std::nullopt;
}

/// The next entry is as it was if the step cannot be taken with the others.
bool take_further(EpochContents& next, std::uint64_t change, Step step) {
  EpochContents further = next;
  const auto leaving = std::ranges::find(next.changes, change, &Change::id)->leaving;
  if (!transition::take_step(further, change, step)) return false;
  if (step == Step::finish && !plan::settle_members(further, leaving)) return false;
  next = std::move(further);
  return true;
}

std::string in_partitions(std::size_t count) {
  return count == 1 ? "1 partition" : std::to_string(count) + " partitions";
}

}  // namespace

void ChangeDriver::on_epoch(std::shared_ptr<const Epoch> epoch) {
  epoch_ = std::move(epoch);
  changes_.clear();
  for (const Change& change : epoch_->changes()) {
    auto& moving = changes_[change.id];
    moving.step = step_after(change);
    for (const Handover& handover : change.handovers) moving.waiting.insert(handover.partition);
    // Once it is cut over there is no way back.
    if (moving.step != Step::cut_over) continue;
    for (const NodeId node : change.leaving) {
      const bool is_bound = std::ranges::count(change.removed, node) == 0;
      if (is_bound && !free_.contains({change.id, node})) moving.bound.insert(node);
    }
  }
  std::erase_if(free_, [this](const auto& entry) { return !changes_.contains(entry.first); });
  std::erase_if(known_,
                [this](const auto& entry) { return epoch_->change(entry.first) == nullptr; });
}

bool ChangeDriver::note(NodeId node, const wire::PartitionEvidence& evidence) {
  const bool is_of_change = epoch_ != nullptr && evidence.partition.value < epoch_->partitions() &&
                            epoch_->change(evidence.partition) != nullptr;
  if (!is_of_change) return false;
  Known& known = known_[evidence.partition][node];
  bool is_news = evidence.fenced > known.fenced;
  known.fenced = std::max(known.fenced, evidence.fenced);
  if (evidence.covered_at < known.covered_at) return is_news;
  if (evidence.covered_at > known.covered_at) known.covered.clear();
  known.covered_at = evidence.covered_at;
  for (const NodeId source : evidence.covered) {
    is_news = known.covered.insert(source).second || is_news;
  }
  return is_news;
}

bool ChangeDriver::note_free(NodeId node, std::uint64_t change) {
  const auto moving = changes_.find(change);
  if (moving == changes_.end()) return false;
  free_.insert({change, node});
  return moving->second.bound.erase(node) > 0;
}

transition::Evidence ChangeDriver::evidence(const Change& change, PartitionId partition) const {
  transition::Evidence out{.fenced = {}, .covered = {}, .removed = change.removed};
  const auto of = known_.find(partition);
  if (of == known_.end()) return out;
  const auto now = epoch_->configuration(partition);
  for (const auto& [node, known] : of->second) {
    if (known.fenced >= now) out.fenced.push_back(node);
    if (known.covered_at != now) continue;
    for (const NodeId source : known.covered) {
      out.covered.push_back({.new_owner = node, .source = source});
    }
  }
  return out;
}

transition::Missing ChangeDriver::missing(const Change& change, Step step,
                                          PartitionId partition) const {
  return missing_for(step, epoch_->at(partition), evidence(change, partition),
                     transition::smallest_quorums(*epoch_));
}

/// What was ready stays so: only the rest is looked at.
void ChangeDriver::look() {
  if (epoch_ == nullptr) return;
  for (const Change& change : epoch_->changes()) {
    auto& moving = changes_.at(change.id);
    if (!moving.step) continue;
    std::erase_if(moving.waiting, [&](PartitionId partition) {
      return missing(change, *moving.step, partition).is_nothing();
    });
  }
}

std::vector<ChangeDriver::Question> ChangeDriver::questions() {
  look();
  std::set<Question> out;
  for (const auto& [id, moving] : changes_) {
    if (!moving.step) continue;
    const Change& change = *std::ranges::find(epoch_->changes(), id, &Change::id);
    for (const NodeId node : moving.bound) out.insert({.node = node, .change = id});
    for (const auto partition : moving.waiting) {
      const auto lacks = missing(change, *moving.step, partition);
      for (const NodeId node : lacks.unfenced) out.insert({.node = node, .change = id});
      for (const NodeId node : lacks.uncovered) out.insert({.node = node, .change = id});
    }
  }
  return {out.begin(), out.end()};
}

std::shared_ptr<const Epoch> ChangeDriver::next() {
  look();
  if (epoch_ == nullptr) return nullptr;
  EpochContents contents = transition::following(*epoch_);
  bool is_further = false;
  for (const auto& [id, moving] : changes_) {
    if (!moving.step || !moving.waiting.empty() || !moving.bound.empty()) continue;
    is_further = take_further(contents, id, *moving.step) || is_further;
  }
  if (!is_further) return nullptr;
  auto made = Epoch::make(std::move(contents));
  return made ? std::make_shared<const Epoch>(*std::move(made)) : nullptr;
}

std::vector<ChangeProgress> ChangeDriver::progress() const {
  std::vector<ChangeProgress> out;
  for (const auto& [id, moving] : changes_) {
    const Change& change = *std::ranges::find(epoch_->changes(), id, &Change::id);
    ChangeProgress one{.change = id,
                       .stage = change.stage,
                       .is_paused = change.is_paused,
                       .partitions = change.handovers.size(),
                       .ready = moving.step ? change.handovers.size() - moving.waiting.size() : 0,
                       .missing = {}};
    std::map<NodeId, std::size_t> unfenced;
    std::map<NodeId, std::size_t> uncovered;
    for (const auto partition : moving.waiting) {
      if (!moving.step) break;
      const auto lacks = missing(change, *moving.step, partition);
      if (lacks.is_nothing()) ++one.ready;
      if (lacks.is_nothing()) continue;
      for (const NodeId node : lacks.unfenced) ++unfenced[node];
      for (const NodeId node : lacks.uncovered) ++uncovered[node];
    }
    if (!moving.step) one.missing.emplace_back("it is paused: resume it");
    for (const NodeId node : moving.bound) {
      one.missing.push_back(short_name(node) +
                            " leaves, and may still keep writes for nodes that are away");
    }
    for (const auto& [node, count] : uncovered) {
      const bool is_removed = std::ranges::binary_search(change.removed, node);
      one.missing.push_back(
          short_name(node) +
          (is_removed ? " is removed, and was to be given " : " has not taken all data of ") +
          in_partitions(count) + (is_removed ? ": abort the change" : ""));
    }
    for (const auto& [node, count] : unfenced) {
      one.missing.push_back(short_name(node) + " has not confirmed the stage for " +
                            in_partitions(count));
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::size_t driving_rank(const Epoch& epoch, NodeId self, const std::vector<NodeId>& alive) {
  const auto is_voter = [&epoch](NodeId node) {
    return std::ranges::binary_search(epoch.voters(), node);
  };
  return static_cast<std::size_t>(std::ranges::count_if(epoch.members(), [&](const Member& member) {
    if (member.id == self || std::ranges::count(alive, member.id) == 0) return false;
    if (is_voter(member.id) != is_voter(self)) return is_voter(member.id);
    return member.id < self;
  }));
}

}  // namespace coterie
