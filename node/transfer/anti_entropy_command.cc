#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/transfer/anti_entropy.h"

// What people ask for.

namespace coterie::transfer {

const char* name(RepairReason reason) {
  switch (reason) {
    case RepairReason::started:
      return "started";
    case RepairReason::scheduled:
      return "scheduled";
    case RepairReason::returned:
      return "returned";
    case RepairReason::marked:
      return "marked";
    case RepairReason::refilling:
      return "refilling";
    case RepairReason::command:
      return "command";
  }
  return "?";
}

bool AntiEntropy::is_in(const RepairScope& scope, PartitionId partition) const {
  const auto* one = std::get_if<PartitionId>(&scope);
  return env_.copies.copy(partition) != nullptr && (one == nullptr || *one == partition);
}

Result<std::size_t> AntiEntropy::start(const RepairScope& scope, RepairAction action) {
  if (epoch_ == nullptr) return fail(ErrorCode::unavailable, "the node is starting");
  if (command_ && !command_->ended) {
    return fail(ErrorCode::refused, "another repair or verify is going on; cancel it, or wait");
  }
  const auto* bucket = std::get_if<BucketId>(&scope);
  if (bucket != nullptr && epoch_->bucket(*bucket) == nullptr) {
    return fail(ErrorCode::unknown_bucket, "no such bucket");
  }
  const auto* node = std::get_if<NodeId>(&scope);
  std::map<NodeId, std::vector<PartitionId>> shared;
  std::size_t partitions = 0;
  for (const auto partition : epoch_->partitions_held_by(options_.self)) {
    if (!is_in(scope, partition)) continue;
    for (const auto other : other_owners(partition)) {
      if (node != nullptr && *node != other && *node != options_.self) continue;
      shared[other].push_back(partition);
      ++partitions;
    }
  }
  if (partitions == 0) {
    return fail(ErrorCode::not_found, "this shard shares nothing of that with another owner");
  }
  for (auto& [other, list] : shared) {
    jobs_.push_back({.reason = RepairReason::command,
                     .other = other,
                     .partitions = std::move(list),
                     .action = action,
                     .bucket = bucket == nullptr ? std::nullopt : std::optional(*bucket)});
  }
  command_ = RepairCommand{
      .scope = scope, .action = action, .began = env_.clock.wall_now(), .partitions = partitions};
  command_began_ = env_.clock.now();
  pump();
  return partitions;
}

bool AntiEntropy::cancel() {
  if (!command_ || command_->ended) return false;
  std::erase_if(jobs_, [](const Job& job) { return is_command(job); });
  if (running_ && is_command(running_->job)) running_.reset();
  command_->is_cancelled = true;
  command_->ended = env_.clock.wall_now();
  pump();
  return true;
}

Result<std::size_t> AntiEntropy::accept_loss(std::optional<PartitionId> only) {
  if (epoch_ == nullptr) return fail(ErrorCode::unavailable, "the node is starting");
  std::size_t changed = 0;
  for (const auto partition : epoch_->partitions_held_by(options_.self)) {
    const auto* copy = env_.copies.copy(partition);
    if (copy == nullptr || (only && *only != partition)) continue;
    const auto dropped = damaged_.give_up(partition);
    if (!dropped) return std::unexpected(dropped.error());
    const bool is_unsure = copy->state() == replica::CopyState::unsure || copy->is_in_doubt();
    if (is_unsure) {
      if (const auto taken = env_.copies.refilled(partition); !taken) {
        return std::unexpected(taken.error());
      }
      refills_.erase(partition);
    }
    if (is_unsure || *dropped > 0) ++changed;
  }
  return changed;
}

void AntiEntropy::count_for_command(const RoundResult& result) {
  ++command_->partitions_done;
  if (result.outcome) return;
  ++command_->partitions_failed;
  command_->last_failure = result.outcome.error().message;
}

void AntiEntropy::count_for_command(const RepairedKey& key) {
  using Outcome = RepairedKey::Outcome;
  if (key.outcome == Outcome::failed) ++command_->failed_keys;
  if (key.outcome != Outcome::repaired) return;
  ++command_->differing;
  if (command_->action == RepairAction::repair) {
    ++command_->repaired;
  } else if (command_->keys.size() < limits::verify_keys) {
    command_->keys.push_back(
        {.partition = key.partition, .other = running_->job.other, .key = key.key});
  }
}

void AntiEntropy::end_command_if_done() {
  const bool goes_on = std::ranges::any_of(jobs_, [](const Job& job) { return is_command(job); });
  if (!goes_on) command_->ended = env_.clock.wall_now();
}

}  // namespace coterie::transfer
