// What a node tells of itself, and takes from those who ask.

#include <algorithm>
#include <utility>

#include "base/env/system.h"
#include "base/limits.h"
#include "node/node.h"

namespace coterie {
namespace {

constexpr auto status_patience = std::chrono::seconds(2);
constexpr auto sizes_patience = limits::facts_patience / 2;  // so that the answer comes in time

/// What one shard holds.
struct ShardSizes {
  std::vector<std::pair<PartitionId, std::uint64_t>> records;  // of each partition
  StoreStatus store;
  transfer::StreamsStatus streams;
};

ShardSizes sizes_of(const Shard& shard, bool with_partitions) {
  auto status = shard.status();
  ShardSizes out{
      .records = {}, .store = std::move(status.store), .streams = std::move(status.streams)};
  if (with_partitions) out.records = shard.partition_records();
  return out;
}

/// A shard's records are taken to be of one size, and to take all that its map does.
NodeSizes sizes_of(const std::vector<ShardSizes>& shards) {
  NodeSizes out;
  std::map<PartitionId, std::uint64_t> bytes_of;
  for (const auto& shard : shards) {
    const std::uint64_t bytes = shard.store.map_bytes + shard.store.overlay_bytes;
    out.data_bytes += bytes;
    std::uint64_t records = 0;
    for (const auto& [partition, count] : shard.records) records += count;
    for (const auto& [partition, count] : shard.records) {
      const auto share = static_cast<double>(count) / static_cast<double>(records);
      bytes_of[partition] = static_cast<std::uint64_t>(static_cast<double>(bytes) * share);
    }
  }
  for (const auto& [partition, bytes] : bytes_of) {
    out.partitions.push_back(partition.value);
    out.partition_bytes.push_back(bytes);
  }
  return out;
}

}  // namespace

bool Node::ask_status(std::function<void(NodeStatus)> done) {
  return loop_.mailbox().post(
      [this, done = std::move(done)]() mutable { collect_status(std::move(done)); });
}

bool Node::order(topology::Order order, Control::Answered done) {
  return loop_.mailbox().post([this, order = std::move(order), done = std::move(done)]() mutable {
    if (is_stopping_) return done(fail(ErrorCode::closed, "the node is stopping"));
    control_->order(std::move(order), std::move(done));
  });
}

void Node::collect_status(std::function<void(NodeStatus)> done) {
  struct Collecting {
    NodeStatus status;
    std::function<void(NodeStatus)> done;
    std::size_t awaited = 0;
    TimerId timer;

    void finish() {
      std::ranges::sort(status.shards, {}, &ShardStatus::shard);
      std::exchange(done, nullptr)(std::move(status));
    }
  };
  // Shared by the answers of all shards and the timer, whichever comes last.
  auto all = std::make_shared<Collecting>();
  all->done = std::move(done);
  all->status.node = identity_.node;
  all->status.run = run_;
  all->status.build = COTERIE_VERSION;
  all->status.uptime = loop_.clock().now() - started_;
  all->status.config = config_;
  all->status.view = control_->look();
  all->status.blockers = control_->blockers();
  all->status.shards_total = identity_.shards;
  all->status.changes = control_->changes();
  all->status.gossip = control_->gossip().counters();
  all->status.clock = control_->clock_status();
  all->status.local_health = control_->gossip().local_health_multiplier();
  all->status.resident_bytes = resident_bytes();
  all->status.disk_free_bytes = files_->free_bytes().value_or(0);
  if (is_serving()) {
    for (const auto& shard : shards_) {
      const bool posted = shard->post([this, all](Shard& running) {
        (void)loop_.mailbox().post([all, status = running.status(), this]() mutable {
          if (!all->done) return;
          all->status.shards.push_back(std::move(status));
          if (--all->awaited > 0) return;
          loop_.timers().cancel(all->timer);
          all->finish();
        });
      });
      if (posted) ++all->awaited;
    }
  }
  if (all->awaited == 0) return all->finish();
  all->timer = loop_.timers().start(status_patience, [all] {
    if (all->done) all->finish();
  });
}

void Node::collect_sizes(bool with_partitions, std::function<void(NodeSizes)> done) {
  struct Collecting {
    std::vector<ShardSizes> shards;
    std::function<void()> done;
    std::size_t awaited = 0;
    TimerId timer;
  };
  auto all = std::make_shared<Collecting>();
  all->done = [this, parts = &all->shards, done = std::move(done)] {
    std::vector<transfer::StreamsStatus> streams;
    for (const auto& shard : *parts) streams.push_back(shard.streams);
    note_stream_rate(streams);
    NodeSizes sizes = sizes_of(*parts);
    sizes.free_bytes = files_->free_bytes().value_or(0);
    sizes.stream_bytes_a_second = stream_bytes_a_second_;
    done(std::move(sizes));
  };
  if (shards_ready_ == identity_.shards) {
    for (const auto& shard : shards_) {
      const bool posted = shard->post([this, all, with_partitions](const Shard& running) {
        (void)loop_.mailbox().post(
            [this, all, sizes = sizes_of(running, with_partitions)]() mutable {
              if (!all->done) return;
              all->shards.push_back(std::move(sizes));
              if (--all->awaited > 0) return;
              loop_.timers().cancel(all->timer);
              std::exchange(all->done, nullptr)();
            });
      });
      if (posted) ++all->awaited;
    }
  }
  if (all->awaited == 0) return std::exchange(all->done, nullptr)();
  all->timer = loop_.timers().start(sizes_patience, [all] {
    if (all->done) std::exchange(all->done, nullptr)();
  });
}

/// Between changes nothing is measured, and what was last is told.
void Node::note_stream_rate(const std::vector<transfer::StreamsStatus>& streams) {
  std::uint64_t rate = 0;
  for (const auto& shard : streams) {
    for (const auto& stream : shard.streams) {
      if (stream.phase == transfer::StreamStatus::Phase::streaming) rate += stream.bytes_a_second;
    }
  }
  if (rate > 0) stream_bytes_a_second_ = rate;
}

}  // namespace coterie
