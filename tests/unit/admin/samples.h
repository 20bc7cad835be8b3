#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/admin/facts.h"
#include "ring/birth.h"

/// A cluster as its admin doors would see it.
namespace coterie::admin_samples {

inline NodeId node_id(std::uint64_t number) {
  return {.high = 0x1111111111111111 * number, .low = number};
}

/// Nodes 1..n in the zones given in turn, N=3, R=W=2 unless said otherwise.
inline std::shared_ptr<const Epoch> epoch_of(
    std::size_t nodes, const std::vector<std::string>& zones = {"a", "b", "c"}, std::uint32_t r = 2,
    std::uint32_t w = 2, std::uint32_t replicas = 3) {
  BirthInput input{
      .cluster = {.high = 5, .low = 6}, .hash_seed = 7, .partitions = 64, .replicas = replicas};
  for (std::size_t i = 1; i <= nodes; ++i) {
    input.members.push_back({.id = node_id(i),
                             .zone = zones[(i - 1) % zones.size()],
                             .address = "127.0.0.1:" + std::to_string(7002 + 10 * i)});
  }
  Bucket bucket{.name = "default"};
  bucket.r = r;
  bucket.w = w;
  input.buckets.push_back(bucket);
  return std::make_shared<const Epoch>(*first_epoch(std::move(input)));
}

inline PeerView peer_of(const Epoch& epoch, std::uint64_t number, std::uint16_t admin_port = 0) {
  const auto port = static_cast<std::uint16_t>(7000 + 10 * number);
  const auto door = [](int at) {
    return Address{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(at)};
  };
  PeerView peer{.node = node_id(number),
                .gossip = door(port + 2),
                .liveness = wire::Liveness::alive,
                .epoch = epoch.number()};
  peer.meta = {.client = door(port),
               .peer = door(port + 1),
               .admin = door(admin_port == 0 ? port + 3 : admin_port),
               .shards = 2,
               .run = RunId{number},
               .zone = epoch.member(node_id(number))->zone,
               .weight = 1,
               .build = "0.1.0"};
  return peer;
}

/// What node `self` of three knows when all is well.
inline NodeStatus status_of(std::uint64_t self = 1) {
  NodeStatus status{.node = node_id(self), .run = RunId{self}, .build = "0.1.0"};
  status.uptime = std::chrono::hours(5);
  status.config = *parse_config(
      "[node]\ndata_directory = \"d\"\n[cluster]\ngossip_key = "
      "\"00112233445566778899aabbccddeeff\"\ninitial_members = [\"127.0.0.1:7402\"]\n",
      "sample.toml");
  auto view = std::make_shared<RingView>();
  view->epoch = epoch_of(3);
  for (std::uint64_t i = 1; i <= 3; ++i) view->peers.push_back(peer_of(*view->epoch, i));
  status.view = std::move(view);
  status.shards_total = 2;
  status.shards.resize(2);
  for (std::uint16_t i = 0; i < 2; ++i) {
    auto& shard = status.shards[i];
    shard.shard = ShardIndex{i};
    shard.store.records = 1000;
    shard.store.map_bytes = 1 << 20;
    shard.copies = 32;
    shard.gets = 10;
    shard.get_latency.add(std::chrono::milliseconds(2));
    shard.put_latency.add(std::chrono::milliseconds(3));
  }
  return status;
}

/// `status` where a node is seen otherwise.
inline void see(NodeStatus& status, std::uint64_t number, wire::Liveness liveness) {
  auto view = std::make_shared<RingView>(*status.view);
  for (auto& peer : view->peers) {
    if (peer.node == node_id(number)) peer.liveness = liveness;
  }
  status.view = std::move(view);
}

}  // namespace coterie::admin_samples
