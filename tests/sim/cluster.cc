#include "tests/sim/cluster.h"

#include <algorithm>

#include "storage/key.h"

namespace coterie::sim {
namespace {

/// A connection that broke may seem whole for so long (env/network.cc).
constexpr Duration aftermath = 20s;

std::vector<Bucket> buckets(const Cluster::Settings& settings) {
  Bucket commit{.id = commit_bucket, .name = "commit"};
  commit.r = commit.w = settings.replicas / 2 + 1;
  if (settings.w != 0) {
    commit.w = settings.w;
    commit.r = settings.replicas - settings.w + 1;
  }
  commit.sloppy = settings.sloppy;
  Bucket interval = commit;
  interval.id = interval_bucket;
  interval.name = "interval";
  interval.durability = Durability::interval;
  Bucket lww = commit;
  lww.id = lww_bucket;
  lww.name = "lww";
  lww.resolver = Resolver::lww;
  return {commit, interval, lww};
}

Address gossip_door(NodeIndex index) {
  return {.host = SimNetwork::host(index), .port = 7402};
}

}  // namespace

Cluster::Cluster(std::uint64_t seed, const Settings& settings)
    : settings_(settings),
      world_(seed),
      story_(world_),
      network_(world_),
      replicas_(settings.replicas),
      is_sloppy_(settings.sloppy) {
  std::vector<NodeIndex> indexes;
  for (std::size_t i = 0; i < settings.nodes; ++i) {
    indexes.push_back(world_.add_node());
    members_.push_back(gossip_door(indexes.back()));
  }
  for (const auto index : indexes) make_node(index);
  for (std::size_t i = 0; i < settings.client_hosts; ++i) {
    clients_.push_back(std::make_unique<SimClient>(network_, world_.add_node()));
  }
}

void Cluster::make_node(NodeIndex index) {
  SimNode::Settings node;
  const std::string host = SimNetwork::host(index);
  node.config.doors = {.client = {.host = host, .port = 7400},
                       .peer = {.host = host, .port = 7401},
                       .gossip = gossip_door(index),
                       .admin = {.host = host, .port = 7403},
                       .insecure = true};
  node.config.cluster.initial_members = members_;
  node.config.cluster.replicas = settings_.replicas;
  node.config.cluster.partitions = settings_.partitions;
  node.config.purge.interval_seconds = settings_.purge_interval_seconds;
  node.config.buckets = buckets(settings_);
  node.config.anti_entropy = settings_.anti_entropy;
  node.config.scrub = settings_.scrub;
  node.hints = settings_.hints;
  node.shards = settings_.shards[nodes_.size() % settings_.shards.size()];
  node.store = settings_.store;
  nodes_.push_back(std::make_unique<SimNode>(network_, story_, index, std::move(node)));
}

SimNode& Cluster::add_node() {
  make_node(world_.add_node());
  return *nodes_.back();
}

SimNode* Cluster::find(NodeId id) {
  const auto found =
      std::ranges::find_if(nodes_, [id](const auto& node) { return node->id() == id; });
  return found == nodes_.end() ? nullptr : found->get();
}

std::shared_ptr<const Epoch> Cluster::epoch() {
  for (const auto& node : nodes_) {
    if (epoch_ != nullptr) break;
    if (const auto view = node->view()) epoch_ = view->epoch;
  }
  return epoch_;
}

bool Cluster::is_whole() const {
  return std::ranges::all_of(nodes_, [this](const auto& node) {
    if (node->is_gone()) return true;
    if (!node->is_ready() || node->is_broken()) return false;
    const auto view = node->view();
    return std::ranges::all_of(nodes_, [&view](const auto& other) {
      if (other->is_gone()) return true;
      const auto seen = std::ranges::find(view->peers, other->id(), &PeerView::node);
      return seen != view->peers.end() && seen->liveness == wire::Liveness::alive;
    });
  });
}

std::vector<SimNode*> Cluster::owners(PartitionId partition) {
  std::vector<SimNode*> out;
  for (const auto owner : epoch()->owners(partition)) {
    if (auto* node = find(owner); node != nullptr && !node->is_gone()) out.push_back(node);
  }
  return out;
}

std::vector<SimNode*> Cluster::sure_owners(PartitionId partition) {
  auto out = owners(partition);
  std::erase_if(out, [partition](const SimNode* node) { return !node->is_sure(partition); });
  return out;
}

Cluster::Place Cluster::place_of(const KeyHistory& key) {
  const Token token = epoch()->token(key.bucket, key.partition_key);
  return {.partition = epoch()->partition(token),
          .stored_key = *encode_key({.token = token,
                                     .bucket = key.bucket,
                                     .partition_key = key.partition_key,
                                     .sort_key = key.sort_key})};
}

std::set<KeyIndex> Cluster::keys_of(const SimNode& node, const History& history) {
  const auto view = node.view();
  const auto known = view == nullptr ? epoch() : view->epoch;
  std::set<KeyIndex> out;
  for (KeyIndex key = 0; key < history.keys.size(); ++key) {
    if (known->holds(node.id(), place_of(history.keys[key]).partition)) out.insert(key);
  }
  return out;
}

std::uint64_t Cluster::counted_hints() const {
  std::uint64_t hints = 0;
  for (const auto& node : nodes_) {
    if (!node->is_ready()) continue;
    for (std::uint16_t shard = 0; shard < node->shards(); ++shard) {
      hints += node->status(ShardIndex{shard}).handoff.hints(transfer::HintKind::record);
    }
  }
  return hints;
}

void Cluster::disturb(NodeIndex node, Instant until) {
  auto& known = disturbed_until_[node];
  known = std::max({known, until, world_.now()});
}

bool Cluster::is_undisturbed_since(NodeIndex node, Instant since) const {
  const auto found = disturbed_until_.find(node);
  return found == disturbed_until_.end() || found->second + aftermath < since;
}

}  // namespace coterie::sim
