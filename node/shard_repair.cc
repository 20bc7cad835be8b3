#include "node/shard_repair.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace coterie {

const replica::PartitionCopy* ShardCopies::copy(PartitionId partition) const {
  return copies_.copy(partition);
}

Resolver ShardCopies::resolver_of(BytesView key) const {
  return copies_.resolver_of(key);
}

Result<void> ShardCopies::keep(PartitionId partition, Generation generation, BytesView key,
                               BytesView record, bool replaces_damaged) {
  return copies_.keep(partition, generation, key, record, replaces_damaged);
}

Result<void> ShardCopies::drop_damaged(PartitionId partition, BytesView key) {
  return copies_.drop_damaged(partition, key);
}

Result<void> ShardCopies::refilled(PartitionId partition) {
  const auto damaged = store_.status().damaged;
  if (std::ranges::find(damaged, partition) != damaged.end()) {
    if (const auto cleared = store_.clear_damage(partition); !cleared) {
      return std::unexpected(cleared.error());
    }
  }
  const auto refilled = copies_.refilled(partition);
  if (!refilled) return std::unexpected(refilled.error());
  return {};
}

void ShardCopies::note_damaged(PartitionId partition, BytesView key) {
  copies_.note_damaged(partition, key);
}

void ShardCopies::heard_of_purge(PartitionId partition, Generation purged) {
  copies_.heard_of_purge(partition, purged);
}

template <class Reply, class Message>
bool PeerOwners::send(NodeId to, const Message& message, Done<Reply> done) {
  return calls_.ask<Reply>(
      to, message, limits::comparison_patience,
      [this, done = std::move(done)](Result<Reply> reply) mutable {
        const Instant began = clock_.now();
        done(std::move(reply));
        answered_(began);
      },
      &bytes_);
}

bool PeerOwners::ask(NodeId to, const wire::TreeRoots& message, Done<wire::TreeRootsReply> done) {
  return send<wire::TreeRootsReply>(to, message, std::move(done));
}

bool PeerOwners::ask(NodeId to, const wire::TreeCells& message, Done<wire::TreeCellsReply> done) {
  return send<wire::TreeCellsReply>(to, message, std::move(done));
}

bool PeerOwners::ask(NodeId to, const wire::RangeDigests& message,
                     Done<wire::RangeDigestsReply> done) {
  return send<wire::RangeDigestsReply>(to, message, std::move(done));
}

bool PeerOwners::ask(NodeId to, const wire::RangePieces& message,
                     Done<wire::RangePiecesReply> done) {
  return send<wire::RangePiecesReply>(to, message, std::move(done));
}

bool PeerOwners::ask(NodeId to, const wire::ReplicaRecords& message,
                     Done<wire::ReplicaRecordsReply> done) {
  return send<wire::ReplicaRecordsReply>(to, message, std::move(done));
}

bool PeerOwners::ask(NodeId to, const wire::ReplicaWrite& message,
                     Done<wire::ReplicaWriteReply> done) {
  return send<wire::ReplicaWriteReply>(to, message, std::move(done));
}

std::optional<std::uint16_t> PeerOwners::shards_of(NodeId node) const {
  const auto* peer = view_ == nullptr ? nullptr : view_->peer(node);
  if (peer == nullptr || peer->meta.shards == 0) return std::nullopt;
  return peer->meta.shards;
}

ShardRepair::ShardRepair(const Environment& environment, const Options& options, Random random)
    : clock_(environment.clock),
      repaired_(environment.repaired),
      local_(environment.copies),
      copies_(environment.copies, environment.store),
      others_(environment.clock, environment.calls,
              [this](Instant began) { anti_entropy_.on_answer(began); }),
      answers_(environment.store, copies_),
      anti_entropy_(
          {.clock = environment.clock,
           .timers = environment.timers,
           .store = environment.store,
           .copies = copies_,
           .others = others_,
           .should_yield = environment.should_yield,
           .made_equal = [this](PartitionId partition, NodeId other,
                                Instant began) { on_made_equal(partition, other, began); }},
          {.self = options.self, .schedule = options.anti_entropy}, random),
      scrub_({.clock = environment.clock,
              .timers = environment.timers,
              .store = environment.store,
              .copies = copies_,
              .log = environment.log,
              .should_yield = environment.should_yield,
              .waiting = [this] { return anti_entropy_.damaged_waiting(); }},
             {.shard = options.shard, .schedule = options.scrub, .salt = options.self.low}) {
  local_.set_damage_handler(
      [this](PartitionId partition, BytesView key) { anti_entropy_.on_damaged(partition, key); });
}

ShardRepair::~ShardRepair() {
  local_.set_damage_handler({});
}

void ShardRepair::set_view(const std::shared_ptr<const RingView>& view,
                           const std::vector<transfer::NeedsRepair>& marks) {
  others_.set_view(view);
  copies_.set_partitions(view->epoch->partitions());
  std::vector<NodeId> alive;
  for (const auto& peer : view->peers) {
    if (peer.liveness == wire::Liveness::alive) alive.push_back(peer.node);
  }
  anti_entropy_.on_view(view->epoch, alive);
  scrub_.on_view();
  marked_.clear();
  for (const auto& mark : marks) {
    if (std::ranges::find(alive, mark.target) == alive.end()) continue;
    marked_[{mark.partition, mark.target}] = {.mark = mark, .read_at = clock_.now()};
    anti_entropy_.compare_soon(mark.partition, mark.target);
  }
}

void ShardRepair::on_made_equal(PartitionId partition, NodeId other, Instant began) {
  const auto marked = marked_.find({partition, other});
  if (marked == marked_.end() || began < marked->second.read_at) return;
  repaired_(marked->second.mark);
  marked_.erase(marked);
}

}  // namespace coterie
