#include "tests/sim/scale_world.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "node/control/epoch_log.h"
#include "ring/epoch_codec.h"
#include "tests/sim/scale_heap.h"

namespace coterie::sim {
namespace {

constexpr std::uint64_t seed = 1;
constexpr std::uint16_t shards = 8;  // that each says it has
constexpr Duration patience = 60s;
/// How exactly times are measured.
constexpr Duration glance = 10ms;

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  packets += other.packets;
  packet_bytes += other.packet_bytes;
  stream_bytes += other.stream_bytes;
  return *this;
}

Traffic Traffic::operator-(const Traffic& before) const {
  return {.packets = packets - before.packets,
          .packet_bytes = packet_bytes - before.packet_bytes,
          .stream_bytes = stream_bytes - before.stream_bytes};
}

ScaleNode::ScaleNode(SimNetwork& network, NodeIndex index, Config config, NodeId id)
    : network_(network),
      index_(index),
      config_(std::move(config)),
      identity_{.node = id, .shards = shards, .incarnation = 1},
      disk_(network.world(), index),
      random_(network.world().fork_random()) {}

void ScaleNode::keep(std::shared_ptr<const Epoch> epoch) {
  EpochLog log(disk_);
  auto kept = log.open();
  if (kept) kept = log.add(std::move(epoch));
  check(kept.has_value(), "a sound disk keeps an epoch");
}

void ScaleNode::start() {
  ++identity_.incarnation;
  run_ = std::make_unique<Run>(network_.world(), index_);
  run_->control = std::make_unique<Control>(
      Control::Environment{
          .clock = run_->clock, .timers = run_->timers, .files = disk_, .log = log_},
      Control::Options{.config = config_,
                       .identity = identity_,
                       .run = RunId{random_.next()},
                       .build = "simulated",
                       .gossip = {}},
      random_.fork(), [](const auto&) {});
  run_->transport = std::make_unique<SimTransport>(network_, index_, *run_->control);
  const auto opened = run_->control->open();
  check(opened.has_value(), "what was kept is found again");
  open_doors();
  run_->control->start(*run_->transport, *run_->datagrams);
}

void ScaleNode::open_doors() {
  auto datagrams = SimDatagrams::open(network_, index_, config_.doors.gossip, *run_->control);
  check(datagrams.has_value(), "an address is one node's");
  run_->datagrams = *std::move(datagrams);
  auto door = SimListener::listen(
      network_, index_, config_.doors.gossip, [run = run_.get()](SimSocket socket) {
        const auto taken = run->transport->adopt(std::move(socket), run->control->hello());
        check(taken.has_value(), "a socket that was just greeted is there");
      });
  check(door.has_value(), "an address is one node's");
  run_->door = *std::move(door);
}

void ScaleNode::crash() {
  network_.world().crash(index_, Crash::process);
  run_.reset();
}

Traffic ScaleNode::traffic() const {
  const auto& gossip = run_->control->gossip().counters();
  return {.packets = gossip.packets_out,
          .packet_bytes = gossip.bytes_out,
          .stream_bytes = run_->transport->counters().bytes_out};
}

std::uint64_t ScaleNode::stream_bytes() const {
  const auto& streams = run_->transport->counters();
  return streams.bytes_in + streams.bytes_out;
}

EpochNumber ScaleNode::epoch() const {
  return run_->control->view()->epoch->number();
}

std::size_t ScaleNode::crash_counting() {
  network_.world().crash(index_, Crash::process);
  run_->door.reset();
  run_->datagrams.reset();
  run_->transport.reset();
  const std::size_t before = heap_bytes();
  run_->control.reset();
  const std::size_t held = before - heap_bytes();
  run_.reset();
  return held;
}

ScaleWorld::ScaleWorld(RingSize size) : world_(seed), network_(world_), random_(seed) {
  const auto ids = some_ids(size.nodes);
  std::vector<NodeIndex> indexes;
  Config config;
  config.cluster.partitions = size.partitions;
  for (std::size_t i = 0; i < size.nodes; ++i) {
    indexes.push_back(world_.add_node());
    config.cluster.initial_members.push_back(
        {.host = SimNetwork::host(indexes.back()), .port = 7402});
  }
  const auto epoch = std::make_shared<const Epoch>(ring_of(size, ids));
  for (std::size_t i = 0; i < size.nodes; ++i) {
    const std::string host = SimNetwork::host(indexes[i]);
    config.doors = {.client = {.host = host, .port = 7400},
                    .peer = {.host = host, .port = 7401},
                    .gossip = config.cluster.initial_members[i],
                    .admin = {.host = host, .port = 7403},
                    .insecure = true};
    config.node.zone = epoch->member(ids[i])->zone;
    nodes_.push_back(std::make_unique<ScaleNode>(network_, indexes[i], config, ids[i]));
    nodes_.back()->keep(epoch);
    if (std::ranges::count(epoch->voters(), ids[i]) == 0) quiet_ = nodes_.back().get();
  }
  check(quiet_ != nullptr, "there are more nodes than voters");
}

bool ScaleWorld::run_until(const std::function<bool()>& done) {
  const Instant end = world_.now() + patience;
  while (!done()) {
    if (world_.now() >= end) return false;
    world_.run_for(glance);
  }
  return true;
}

bool ScaleWorld::sees_all(const ScaleNode& node) const {
  const auto members = node.control().gossip().members();
  return members.size() == nodes_.size() && std::ranges::all_of(members, [](const auto* member) {
           return member->state == gossip::MemberState::alive;
         });
}

std::optional<Duration> ScaleWorld::start() {
  const Instant begin = world_.now();
  const Duration apart = Duration{10ms} / static_cast<std::int64_t>(nodes_.size());
  for (const auto& node : nodes_) {
    node->start();
    world_.run_for(apart);
  }
  const bool is_whole = run_until([this] {
    return std::ranges::all_of(nodes_, [this](const auto& n) { return sees_all(*n); });
  });
  if (!is_whole) return std::nullopt;
  return world_.now() - begin;
}

bool ScaleWorld::settle() {
  constexpr Duration step = 5s;
  // A ping and an ack in each interval; few of a lossless network's are late.
  const auto probes = static_cast<std::uint64_t>(step / gossip::Settings{}.probe_interval);
  const std::uint64_t packets = 2 * probes * nodes_.size();
  for (Duration waited{}; waited < 5min; waited += step) {
    const Traffic before = traffic();
    world_.run_for(step);
    if ((traffic() - before).packets <= packets + packets / 50) return true;
  }
  return false;
}

std::optional<ScaleWorld::Spread> ScaleWorld::spread_epoch() {
  auto* chosen = quiet_;
  while (chosen == quiet_) chosen = nodes_[random_.below(nodes_.size())].get();
  ScaleNode& proposer = *chosen;
  EpochContents next = proposer.control().view()->epoch->contents();
  next.number.number += 1;
  const auto id = next.buckets.back().id.value + 1;
  next.buckets.push_back({.id = BucketId{id}, .name = "bucket-" + std::to_string(id)});
  auto epoch = Epoch::make(std::move(next));
  check(epoch.has_value(), "one more bucket makes a good epoch");
  const EpochNumber number = epoch->number();
  const Instant begin = world_.now();
  Spread out;
  proposer.control().propose(std::make_shared<const Epoch>(*std::move(epoch)),
                             [this, &out, begin](const Result<void>& result) {
                               if (result) out.decided = world_.now() - begin;
                             });
  const bool has_reached_all = run_until([&] {
    const auto count = static_cast<std::size_t>(std::ranges::count_if(
        nodes_, [number](const auto& node) { return node->epoch() == number; }));
    if (2 * count >= nodes_.size() && out.half == Duration{}) out.half = world_.now() - begin;
    return count == nodes_.size() && out.decided != Duration{};
  });
  if (!has_reached_all) return std::nullopt;
  out.all = world_.now() - begin;
  return out;
}

std::optional<std::uint64_t> ScaleWorld::restart_stream_bytes() {
  auto& node = *nodes_[random_.below(nodes_.size())];
  node.crash();
  world_.run_for(glance);
  node.start();
  if (!run_until([&] { return sees_all(node); })) return std::nullopt;
  world_.run_for(1s);
  return node.stream_bytes();
}

Traffic ScaleWorld::traffic() const {
  Traffic sum;
  for (const auto& node : nodes_) sum += node->traffic();
  return sum;
}

ScaleWorld::Memory ScaleWorld::memory() {
  ScaleNode& node = *quiet_;
  Memory out;
  std::size_t before = heap_bytes();
  auto view = node.control().look();
  out.view = heap_bytes() - before;
  // It decoded its own, and no other node shares it.
  const Bytes bytes = encode_epoch(*view->epoch);
  view.reset();
  before = heap_bytes();
  const auto epoch = std::make_shared<const Epoch>(*decode_epoch(bytes));
  const std::size_t epoch_bytes = heap_bytes() - before;
  out.members = node.crash_counting() - epoch_bytes - out.view;
  node.start();
  return out;
}

std::uint64_t ScaleWorld::deaths() const {
  std::uint64_t sum = 0;
  for (const auto& node : nodes_) sum += node->control().gossip().counters().deaths_declared;
  return sum;
}

}  // namespace coterie::sim
