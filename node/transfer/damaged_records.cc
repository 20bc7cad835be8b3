#include "node/transfer/damaged_records.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "storage/record.h"
#include "storage/versions.h"

namespace coterie::transfer {

void DamagedRecords::add(PartitionId partition, BytesView key) {
  if (keys_.size() >= limits::damaged_keys_a_shard) return;
  keys_.emplace(partition, Bytes(key));
}

bool DamagedRecords::step(Instant now) {
  now_ = now;
  if (gathered_ != nullptr || keys_.empty() || now < retry_at_) return false;
  auto next = keys_.upper_bound(last_);
  if (next == keys_.end()) {
    // Those that are left failed: they are walked over again, later.
    last_ = {};
    retry_at_ = now + limits::damaged_retry;
    return false;
  }
  last_ = *next;
  gathered_ = std::make_unique<Gathered>(Gathered{.key = *next});
  const auto* copy = env_.copies.copy(next->first);
  if (copy != nullptr) {
    gathered_->generation = copy->generation();
    const wire::ReplicaRecords message{.scope = {.partition = next->first,
                                                 .configuration = copy->configuration(),
                                                 .generation = copy->generation()},
                                       .wanted = {{.key = gathered_->key.second}}};
    const std::weak_ptr<bool> alive = alive_;
    for (const auto node : env_.owners(next->first)) {
      const bool is_asked =
          env_.others.ask(node, message, [this, alive](Result<wire::ReplicaRecordsReply> reply) {
            if (alive.expired()) return;
            if (reply) take(*reply);
            if (--gathered_->unanswered == 0) conclude(now_);
          });
      if (is_asked) ++gathered_->unanswered;
    }
  }
  if (gathered_->unanswered == 0) conclude(now);
  return true;
}

Result<std::size_t> DamagedRecords::give_up(PartitionId partition) {
  std::size_t dropped = 0;
  for (auto at = keys_.lower_bound({partition, {}}); at != keys_.end() && at->first == partition;) {
    if (const auto done = env_.copies.drop_damaged(partition, at->second); !done) {
      return std::unexpected(done.error());
    }
    at = keys_.erase(at);
    ++dropped;
  }
  return dropped;
}

void DamagedRecords::take(const wire::ReplicaRecordsReply& reply) {
  if (reply.answers.size() != 1) return;
  const auto& answer = reply.answers.front();
  if (answer.state == wire::RecordState::damaged) return;
  ++gathered_->definite;
  if (!reply.is_unsure) ++gathered_->full;
  gathered_->generation = std::min(gathered_->generation, reply.generation);
  if (answer.state == wire::RecordState::differing) gathered_->records.emplace_back(answer.record);
}

void DamagedRecords::conclude(Instant /*now*/) {
  const auto quorum = env_.quorum(gathered_->key.first);
  if (quorum.is_reached(gathered_->full, gathered_->definite) && replace()) {
    keys_.erase(gathered_->key);
    ++refilled_;
  } else if (env_.copies.copy(gathered_->key.first) == nullptr) {
    keys_.erase(gathered_->key);
  }
  gathered_.reset();
}

bool DamagedRecords::replace() {
  const auto& [partition, key] = gathered_->key;
  std::optional<Record> merged;
  for (const auto& bytes : gathered_->records) {
    const auto record = decode_record(key, bytes);
    if (!record || (merged && !admits_sync(*merged, *record))) return false;
    merged = merged ? sync(*merged, *record, env_.copies.resolver_of(key)) : *record;
  }
  if (!merged) return env_.copies.drop_damaged(partition, key).has_value();
  return env_.copies.keep(partition, gathered_->generation, key, encode_record(key, *merged), true)
      .has_value();
}

}  // namespace coterie::transfer
