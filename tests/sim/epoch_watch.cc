#include "tests/sim/epoch_watch.h"

#include <algorithm>
#include <string>

#include "ring/succession.h"
#include "ring/transition/entries.h"
#include "ring/transition/sources.h"

namespace coterie::sim {
namespace {

using transition::Step;

std::string in_words(const Change& change, PartitionId partition) {
  return "change " + std::to_string(change.id) + ", partition " + std::to_string(partition.value);
}

Step next_step(Stage stage) {
  if (stage == Stage::cut_over) return Step::finish;
  return stage == Stage::aborting ? Step::end_abort : Step::cut_over;
}

}  // namespace

SimNode* EpochWatch::look() {
  SimNode* first = nullptr;
  for (const auto& node : cluster_.nodes()) {
    const auto view = node->view();
    const Epoch* epoch = view == nullptr ? nullptr : view->epoch.get();
    auto& seen = seen_[node->index()];
    if (epoch == nullptr || epoch == seen) continue;
    seen = epoch;
    const bool is_news = !epochs_.contains(epoch->number().number);
    take(*node, view->epoch);
    if (is_news && first == nullptr) first = node.get();
  }
  return first;
}

std::shared_ptr<const Epoch> EpochWatch::find(std::uint64_t number) const {
  const auto found = epochs_.find(number);
  return found == epochs_.end() ? nullptr : found->second;
}

void EpochWatch::take(const SimNode& node, const std::shared_ptr<const Epoch>& epoch) {
  const auto number = epoch->number().number;
  const auto [known, is_new] = epochs_.emplace(number, epoch);
  if (known->second->hash() != epoch->hash()) {
    bad_ = {"one epoch",
            node.name() + " has another epoch " + std::to_string(number) + " than others"};
  }
  if (!is_new) return;
  if (newest_ == nullptr || newest_->number() < epoch->number()) newest_ = epoch;
  if (const auto before = find(number - 1)) {
    if (const auto fine = check_succession(*before, *epoch); !fine) {
      bad_ = {"one change a partition",
              "epoch " + std::to_string(number) + " follows, and " + fine.error().message};
    }
    check_barriers(*before, *epoch);
  }
  std::erase_if(held_, [&epoch](const auto& entry) {
    return epoch->stage(entry.first.second) == Stage::stable;
  });
}

void EpochWatch::check_barriers(const Epoch& before, const Epoch& after) {
  for (const Change& change : before.changes()) {
    const auto now = std::ranges::find(after.changes(), change.id, &Change::id);
    const bool has_ended = now == after.changes().end();
    const bool is_cut_over =
        !has_ended && change.stage == Stage::open && now->stage == Stage::cut_over;
    for (const Handover& handover : change.handovers) {
      if (has_ended) check_fences(before, change, handover.partition);
      if (is_cut_over) check_coverage(before, change, handover.partition);
    }
  }
}

/// Who is down may have fenced or not; who is up tells.
void EpochWatch::check_fences(const Epoch& before, const Change& change, PartitionId partition) {
  const auto configuration = before.at(partition);
  // Not by production's own count.
  std::uint32_t smallest = before.replicas();
  for (const auto& [number, epoch] : epochs_) {
    for (const Bucket& bucket : epoch->buckets())
      smallest = std::min({smallest, bucket.r, bucket.w});
  }
  for (const auto group : {configuration.old_owners, configuration.new_owners}) {
    const auto unfenced = std::ranges::count_if(group, [&](NodeId owner) {
      if (std::ranges::count(change.removed, owner) != 0) return false;
      const auto* node = cluster_.find(owner);
      return node != nullptr && node->is_ready() && node->has_copy(partition) &&
             node->fenced(partition) < configuration.number &&
             // One that forgot it counts to no quorum before it has heard of it again.
             (node->begun_anew() == 0 || node->is_sure(partition));
    });
    if (static_cast<std::size_t>(unfenced) < smallest) continue;
    bad_ = {"barrier", in_words(change, partition) + ": the stage has ended and " +
                           std::to_string(unfenced) + " of its owners still take older requests"};
  }
}

void EpochWatch::check_coverage(const Epoch& before, const Change& change, PartitionId partition) {
  const auto configuration = before.at(partition);
  for (const NodeId owner : transition::gained(configuration)) {
    const auto* node = cluster_.find(owner);
    const bool can_tell =
        node != nullptr && node->is_ready() && node->covered_at(partition) == configuration.number;
    if (!can_tell) continue;
    if (is_covered(configuration, owner, node->covered(partition), change.removed,
                   transition::smallest_quorums(before))) {
      continue;
    }
    bad_ = {"barrier", in_words(change, partition) + ": it was cut over to " + node->name() +
                           ", which lacks data"};
  }
}

transition::Evidence EpochWatch::evidence(const Epoch& epoch, const Change& change,
                                          PartitionId partition) const {
  transition::Evidence out{.fenced = {}, .covered = {}, .removed = change.removed};
  const auto number = epoch.configuration(partition);
  for (const NodeId holder : epoch.holders(partition)) {
    const auto* node = cluster_.find(holder);
    if (node == nullptr || !node->is_ready()) continue;
    if (node->fenced(partition) >= number) out.fenced.push_back(holder);
    if (node->covered_at(partition) != number) continue;
    for (const NodeId source : node->covered(partition)) {
      out.covered.push_back({.new_owner = holder, .source = source});
    }
  }
  return out;
}

bool EpochWatch::is_ready(const Change& change) const {
  const Epoch& epoch = *newest_;
  return std::ranges::all_of(change.handovers, [&](const Handover& handover) {
    const auto partition = handover.partition;
    return missing_for(next_step(change.stage), epoch.at(partition),
                       evidence(epoch, change, partition), transition::smallest_quorums(epoch))
        .is_nothing();
  });
}

/// Records are only merged, and nothing is purged while owners change.
void EpochWatch::look_at_copies() {
  if (newest_ == nullptr) return;
  for (const Change& change : newest_->changes()) {
    for (const Handover& handover : change.handovers) {
      for (const NodeId owner : newest_->owners(handover.partition)) {
        const auto* node = cluster_.find(owner);
        const auto opening = find(change.id);
        const bool knows = opening != nullptr && node != nullptr && node->is_ready() &&
                           node->view()->epoch->number() >= opening->number();
        if (!knows) continue;
        if (!node->has_copy(handover.partition)) {
          bad_ = {"the last covering copy", in_words(change, handover.partition) + ": " +
                                                node->name() + " has none any more"};
          continue;
        }
        // A copy that has not heard of the change may still be purged.
        if (node->heard(handover.partition) < opening->configuration(handover.partition)) continue;
        const auto* tree = node->store(handover.partition).tree(handover.partition);
        const std::uint64_t records = tree == nullptr ? 0 : tree->root().records;
        auto& most = held_[{node->index(), handover.partition}];
        // One that begins anew may be emptied once more.
        if (records < most && node->begun_anew() == 0) {
          bad_ = {"the last covering copy", in_words(change, handover.partition) + ": " +
                                                node->name() + " had " + std::to_string(most) +
                                                " records and has " + std::to_string(records)};
        }
        most = std::max(most, records);
      }
    }
  }
}

void EpochWatch::forget(const SimNode& node) {
  seen_.erase(node.index());
  std::erase_if(held_, [&node](const auto& entry) { return entry.first.first == node.index(); });
}

}  // namespace coterie::sim
