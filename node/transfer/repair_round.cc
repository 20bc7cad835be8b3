#include "node/transfer/repair_round.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "storage/key.h"

namespace coterie::transfer {

RepairRound::RepairRound(const Comparison::Environment& environment, NodeId other,
                         std::vector<PartitionId> partitions, const Options& options, Events events)
    : env_(environment),
      other_(other),
      options_(options),
      events_(std::move(events)),
      repair_({.store = env_.store, .copies = env_.copies, .others = env_.others}, other,
              options.repair, [this](const RepairedKey& key) { on_key(key); }) {
  cut_into_frames(std::move(partitions));
}

/// A frame's partitions lie in one shard of the other node.
void RepairRound::cut_into_frames(std::vector<PartitionId> partitions) {
  const std::uint32_t shards =
      std::max<std::uint32_t>(1, env_.others.shards_of(other_).value_or(1));
  std::ranges::sort(partitions, {}, [shards](PartitionId partition) {
    return std::pair(partition.value % shards, partition.value);
  });
  for (const auto partition : partitions) {
    const bool is_new = frames_.empty() || frames_.back().size() >= limits::tree_roots_a_frame ||
                        frames_.back().front().value % shards != partition.value % shards;
    if (is_new) frames_.emplace_back();
    frames_.back().push_back(partition);
  }
}

bool RepairRound::is_done() const {
  return next_frame_ == frames_.size() && comparison_ == nullptr && open_.empty();
}

bool RepairRound::step(Instant now) {
  now_ = now;
  if (repair_.step(now)) return true;
  if (comparison_ != nullptr && comparison_->is_done()) {
    comparison_.reset();
    return true;
  }
  if (comparison_ == nullptr) {
    if (next_frame_ == frames_.size()) return false;
    begin_frame();
    return true;
  }
  return repair_.size() < limits::suspects_a_shard && comparison_->step();
}

void RepairRound::begin_frame() {
  const auto partitions = frames_[next_frame_++];
  for (const auto partition : partitions) {
    open_[partition].result.partition = partition;
  }
  if (is_unreachable_) {
    for (const auto partition : partitions) {
      on_compared(partition, {.outcome = fail(ErrorCode::unavailable,
                                              "the other owner did not answer before")});
    }
    return;
  }
  comparison_ = std::make_unique<Comparison>(
      env_, other_, partitions, options_.salt,
      Comparison::Events{
          .differs = [this](PartitionId partition,
                            BytesView key) { on_difference(partition, key); },
          .compared = [this](PartitionId partition,
                             const Compared& compared) { on_compared(partition, compared); }});
}

void RepairRound::on_difference(PartitionId partition, BytesView key) {
  const auto parts = decode_key(key);
  if (!parts || (options_.bucket && parts->bucket != *options_.bucket)) return;
  ++open_.at(partition).open_keys;
  repair_.add(partition, key, now_);
}

void RepairRound::on_compared(PartitionId partition, const Compared& compared) {
  auto& open = open_.at(partition);
  open.is_compared = true;
  open.result.outcome = compared.outcome;
  open.result.is_equal = compared.is_equal;
  open.result.is_unsure = compared.is_unsure;
  if (!compared.outcome && compared.outcome.error().code == ErrorCode::unavailable) {
    is_unreachable_ = true;
  }
  finish_if_done(partition);
}

void RepairRound::on_key(const RepairedKey& key) {
  auto& open = open_.at(key.partition);
  --open.open_keys;
  if (key.outcome == RepairedKey::Outcome::repaired) ++open.result.repaired;
  if (key.outcome == RepairedKey::Outcome::failed && open.result.outcome) {
    open.result.outcome = key.why;
  }
  events_.key(key);
  finish_if_done(key.partition);
}

void RepairRound::finish_if_done(PartitionId partition) {
  const auto open = open_.find(partition);
  if (!open->second.is_compared || open->second.open_keys > 0) return;
  const auto result = open->second.result;
  open_.erase(open);
  events_.partition(result);
}

}  // namespace coterie::transfer
