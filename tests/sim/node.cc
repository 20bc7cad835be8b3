#include "tests/sim/node.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "node/identity.h"
#include "node/run_note.h"
#include "tests/sim/older.h"

namespace coterie::sim {
namespace {

constexpr std::size_t mailbox_tasks = 4096;
constexpr const char* build = "simulated";

Shard::PurgeOptions purge_options(const Config& config) {
  return {.is_enabled = config.purge.enabled,
          .interval = std::chrono::seconds(config.purge.interval_seconds)};
}

transfer::ScrubOptions scrub_options(const SimNode::Settings& settings) {
  return {.interval = std::chrono::seconds(settings.config.scrub.interval_s),
          .bytes_a_second = settings.config.scrub.bytes_a_second};
}

constexpr std::string_view log_prefix = "log-";

}  // namespace

/// What ShardThread holds. In the order in which they are made.
struct SimNode::ShardLoop {
  ShardLoop(SimWorld& world, NodeIndex node)
      : clock(world, node),
        timers(world, node),
        turns(clock),
        mailbox(world, node, mailbox_tasks) {}
  ~ShardLoop() {
    transport.reset();
    protocol.reset();
    shard.reset();
    store.reset();
  }

  SimClock clock;
  SimTimers timers;
  SimTurns turns;
  std::unique_ptr<SimWorker> commit;
  std::unique_ptr<SimWorker> checkpoint;
  std::unique_ptr<LogStore> store;
  std::uint64_t doubt = 0;
  std::unique_ptr<Shard> shard;
  std::unique_ptr<OlderProtocol> protocol;
  std::unique_ptr<SimTransport> transport;
  SimMailbox mailbox;
};

/// What Node holds.
struct SimNode::Running {
  Running(SimWorld& world, NodeIndex node)
      : clock(world, node), timers(world, node), mailbox(world, node, mailbox_tasks) {}
  ~Running() {
    shards.clear();
    client_door.reset();
    peer_door.reset();
    gossip_door.reset();
    datagrams.reset();
    gossip_transport.reset();
    control.reset();
  }

  SimClock clock;
  SimTimers timers;
  SimMailbox mailbox;
  Identity identity;
  RunId run;
  std::unique_ptr<Control> control;
  std::unique_ptr<SimTransport> gossip_transport;
  std::unique_ptr<SimDatagrams> datagrams;
  std::unique_ptr<SimListener> gossip_door;
  std::unique_ptr<SimListener> peer_door;
  std::unique_ptr<SimListener> client_door;
  std::vector<std::unique_ptr<ShardLoop>> shards;
  std::size_t shards_opened = 0;
  std::size_t shards_ready = 0;
  std::size_t parts_to_end = 0;  // of a stop: the shards' draining, the leaving
  std::size_t shards_closed = 0;
  bool has_begun = false;
  bool is_stopping = false;
  bool has_failed = false;
};

SimNode::SimNode(SimNetwork& network, const Story& story, NodeIndex index, Settings settings)
    : network_(network),
      world_(network.world()),
      index_(index),
      name_("node " + std::to_string(index.value)),
      settings_(std::move(settings)),
      log_(story, name_),
      disk_(world_, index),
      random_(world_.fork_random()) {
  for (std::uint16_t i = 0; i < settings_.shards; ++i) {
    tables_.push_back(std::make_unique<SimTable>(world_, index_, disk_));
  }
}

SimNode::~SimNode() {
  if (running_ != nullptr) crash(Crash::process);
}

Result<void> SimNode::start() {
  check(running_ == nullptr, "a node is started once a run");
  if (is_restored_) {
    if (auto begun = begin_anew(id_); !begun) return begun;
  }
  auto running = std::make_unique<Running>(world_, index_);
  auto identity = open_identity(disk_, settings_.shards, random_);
  if (!identity) return std::unexpected(identity.error());
  id_ = identity->node;
  running->identity = *identity;
  running->run = RunId{random_.next()};
  running->control = std::make_unique<Control>(
      Control::Environment{.clock = running->clock,
                           .timers = running->timers,
                           .files = disk_,
                           .log = log_,
                           .look_at_logs = [this] { look_at_logs(); },
                           .on_compared = [this] { begin_shards(); },
                           .on_restored = [this](const Error&) { on_restored(); }},
      Control::Options{.config = settings_.config,
                       .identity = *identity,
                       .run = running->run,
                       .build = build,
                       .gossip = {},
                       .has_data = has_data(),
                       .witnesses = settings_.witnesses},
      random_.fork(), [this](const std::shared_ptr<const RingView>& view) { on_view(view); });
  running->gossip_transport = std::make_unique<SimTransport>(network_, index_, *running->control);
  if (auto opened = running->control->open(); !opened) return opened;
  running_ = std::move(running);
  if (auto opened = open_doors(); !opened) {
    running_.reset();
    return opened;
  }
  log_.info("node", "started as " + short_name(id_));
  running_->control->start(*running_->gossip_transport, *running_->datagrams);
  return {};
}

bool SimNode::has_data() {
  const auto names = disk_.list("");
  return names && std::ranges::any_of(
                      *names, [](const std::string& name) { return name.starts_with(log_prefix); });
}

Result<void> SimNode::open_doors() {
  auto& run = *running_;
  const auto& doors = settings_.config.doors;
  auto datagrams = SimDatagrams::open(network_, index_, doors.gossip, *run.control);
  if (!datagrams) return std::unexpected(datagrams.error());
  run.datagrams = *std::move(datagrams);
  auto gossip = SimListener::listen(network_, index_, doors.gossip, [&run, this](SimSocket socket) {
    if (auto admitted = run.control->admits(socket.theirs.view()); !admitted) {
      return refuse(std::move(socket), admitted.error());
    }
    if (auto taken = run.gossip_transport->adopt(std::move(socket), run.control->hello()); !taken) {
      log_.warn("gossip", taken.error().message);
    }
  });
  if (!gossip) return std::unexpected(gossip.error());
  run.gossip_door = *std::move(gossip);
  auto peer = SimListener::listen(network_, index_, doors.peer, [this](SimSocket socket) {
    on_data_hello(std::move(socket), wire::Role::peer);
  });
  if (!peer) return std::unexpected(peer.error());
  run.peer_door = *std::move(peer);
  auto client = SimListener::listen(network_, index_, doors.client, [this](SimSocket socket) {
    on_data_hello(std::move(socket), wire::Role::client);
  });
  if (!client) return std::unexpected(client.error());
  run.client_door = *std::move(client);
  return {};
}

void SimNode::end_run() {
  destroyed_before_ = destroyed_copies();
  running_.reset();
}

std::uint64_t SimNode::destroyed_copies() const {
  std::uint64_t count = destroyed_before_;
  if (running_ == nullptr) return count;
  for (const auto& loop : running_->shards) {
    if (loop->shard != nullptr) count += loop->shard->copies().counters().destroyed_copies;
  }
  return count;
}

bool SimNode::has_damaged_log() const {
  return std::ranges::any_of(
      running_->shards, [](const auto& loop) { return !loop->store->status().damaged.empty(); });
}

void SimNode::set_older(bool older) {
  is_older_ = older;
  if (running_ == nullptr) return;
  for (const auto& loop : running_->shards) {
    if (loop->protocol != nullptr) loop->protocol->set_older(older);
  }
}

void SimNode::stop() {
  check(running_ != nullptr, "only what runs can stop");
  if (std::exchange(running_->is_stopping, true)) return;
  log_.info("node", "stopping");
  running_->client_door.reset();
  running_->peer_door.reset();
  running_->parts_to_end = 1;
  for (const auto& loop : running_->shards) {
    if (loop->shard == nullptr) continue;
    ++running_->parts_to_end;
    loop->shard->drain([this] { part_ended(); });
  }
  running_->control->leave([this] { part_ended(); });
}

void SimNode::part_ended() {
  if (--running_->parts_to_end > 0) return;
  running_->shards_closed = running_->shards.size();
  for (std::size_t i = 0; i < running_->shards.size(); ++i) {
    const auto& loop = running_->shards[i];
    if (loop->store == nullptr) continue;
    --running_->shards_closed;
    loop->store->close([this, i] {
      note_end(i);
      shard_closed();
    });
  }
  if (running_->shards_closed == running_->shards.size()) {
    --running_->shards_closed;
    shard_closed();
  }
}

void SimNode::note_end(std::size_t shard) {
  const auto& store = *running_->shards[shard]->store;
  if (store.synced() < store.last()) return;
  if (auto noted = coterie::end_run(disk_, run_note_path(shard)); !noted) {
    log_.warn("shard", noted.error().message);
  }
}

void SimNode::shard_closed() {
  if (++running_->shards_closed < running_->shards.size()) return;
  end_soon();
}

void SimNode::end_soon() {
  // Not from within what it destroys. The world's own event: the node's end with its life.
  const Life life = world_.life(index_);
  world_.schedule(world_.life(NodeIndex{0}), Duration{0}, "exit", [this, life] {
    if (world_.is_over(life)) return;
    log_.info("node", "exits");
    world_.crash(index_, Crash::process);
    end_run();
    if (is_restored_) start_later();
  });
}

void SimNode::on_view(const std::shared_ptr<const RingView>& view) {
  auto& run = *running_;
  if (run.is_stopping) return;
  const bool is_first = run.shards.empty();
  for (std::uint16_t i = 0; i < settings_.shards; ++i) {
    if (is_first) run.shards.push_back(std::make_unique<ShardLoop>(world_, index_));
    auto& loop = *run.shards[i];
    const bool posted = loop.mailbox.post([this, is_first, i, view, &loop] {
      if (is_first) return open_shard(ShardIndex{i}, view->epoch->partitions());
      if (loop.shard != nullptr) loop.shard->set_view(view);
    });
    check(posted, "a simulated node's mailboxes are long enough");
  }
}

void SimNode::open_shard(ShardIndex shard, std::uint32_t partitions) {
  auto& run = *running_;
  auto& loop = *run.shards[shard.value];
  loop.commit = std::make_unique<SimWorker>(world_, index_, disk_);
  loop.checkpoint = std::make_unique<SimWorker>(world_, index_, disk_);
  LogStoreOptions options = settings_.store;
  options.partitions = partitions;
  options.shard = shard;
  options.shards = settings_.shards;
  options.directory = std::string(log_prefix) + std::to_string(shard.value);
  options.new_log_id = random_.next();
  options.has_lost_all = run.control->recovery().has_value();
  const auto doubt = note_begin(shard);
  if (!doubt) {
    log_.error("node", doubt.error().message);
    run.has_failed = true;
    return;
  }
  auto store = LogStore::open({.files = disk_,
                               .table = *tables_[shard.value],
                               .commit = *loop.commit,
                               .checkpoint = *loop.checkpoint,
                               .clock = loop.clock,
                               .timers = loop.timers},
                              options);
  if (!store) {
    log_.error("node", store.error().message);
    run.has_failed = true;
    return;
  }
  loop.store = *std::move(store);
  loop.doubt = *doubt;
  if (!loop.store->recovery_note().empty()) log_.warn("storage", loop.store->recovery_note());
  (void)run.mailbox.post([this, shard] {
    ++running_->shards_opened;
    note_log(shard);
    begin_shards();
  });
}

void SimNode::note_log(ShardIndex shard) {
  const auto& store = *running_->shards[shard.value]->store;
  running_->control->note_log(
      shard,
      {.log_id = store.log_id(), .synced = store.synced().value, .last = store.last().value});
}

void SimNode::look_at_logs() {
  if (!running_->has_begun || running_->is_stopping) return;
  for (std::uint16_t i = 0; i < settings_.shards; ++i) note_log(ShardIndex{i});
}

void SimNode::begin_shards() {
  auto& run = *running_;
  if (run.is_stopping || run.has_begun || run.shards.empty() ||
      run.shards_opened < run.shards.size() || !run.control->is_compared()) {
    return;
  }
  run.has_begun = true;
  for (std::uint16_t i = 0; i < settings_.shards; ++i) {
    const bool posted = run.shards[i]->mailbox.post([this, i] { begin_shard(ShardIndex{i}); });
    check(posted, "a simulated node's mailboxes are long enough");
  }
}

void SimNode::on_restored() {
  is_restored_ = true;
  running_->is_stopping = true;
  running_->client_door.reset();
  running_->peer_door.reset();
  end_soon();
}

void SimNode::begin_shard(ShardIndex shard) {
  auto& run = *running_;
  auto& loop = *run.shards[shard.value];
  loop.shard = std::make_unique<Shard>(
      Shard::Environment{.clock = loop.clock,
                         .timers = loop.timers,
                         .turns = loop.turns,
                         .store = *loop.store,
                         .mesh = *this,
                         .log = log_,
                         .on_evidence =
                             [this](ShardEvidence evidence) {
                               (void)running_->mailbox.post([this, evidence = std::move(evidence)] {
                                 running_->control->note_evidence(evidence);
                               });
                             }},
      Shard::Options{.node = id_,
                     .run = run.run,
                     .shard = shard,
                     .shards = settings_.shards,
                     .doubt = loop.doubt,
                     .build = build,
                     .admission = {},
                     .coordinator = {},
                     .handoff = {.book = settings_.hints},
                     .purge = purge_options(settings_.config),
                     .anti_entropy = options_of(settings_.config.anti_entropy),
                     .scrub = scrub_options(settings_)},
      random_.fork(), run.control->view());
  loop.protocol = std::make_unique<OlderProtocol>(*loop.shard);
  loop.protocol->set_older(is_older_);
  loop.transport = std::make_unique<SimTransport>(network_, index_, *loop.protocol);
  loop.protocol->attach(*loop.transport);
  loop.shard->attach(*loop.protocol);
  (void)run.mailbox.post([this] {
    if (++running_->shards_ready < running_->shards.size()) return;
    on_view(running_->control->view());
    log_.info("node", "ready");
  });
}

void SimNode::on_data_hello(SimSocket socket, wire::Role role) {
  auto& run = *running_;
  const auto hello = socket.theirs.view();
  Result<void> admitted = run.control->admits(hello);
  if (admitted && hello.role != role) {
    admitted = fail(ErrorCode::refused, "this is another door");
  } else if (admitted && !is_ready()) {
    admitted = fail(ErrorCode::unavailable, "the node is starting; retry");
  }
  if (!admitted) return refuse(std::move(socket), admitted.error());
  const ShardIndex shard{static_cast<std::uint16_t>(hello.shard.value % run.shards.size())};
  auto& loop = *run.shards[shard.value];
  (void)loop.mailbox.post([this, &loop, shard, socket = std::move(socket)]() mutable {
    const auto ours = loop.shard->hello(shard);
    if (auto taken = loop.transport->adopt(std::move(socket), ours); !taken) {
      log_.warn("shard", taken.error().message);
    }
  });
}

bool SimNode::pass_on(ShardIndex to, PassedFrame frame) {
  auto& loop = *running_->shards[to.value];
  return loop.mailbox.post([&loop, frame = std::move(frame)] { loop.shard->on_passed(frame); });
}

void SimNode::answer(ShardIndex to, coordinator::ClientHandle client, Bytes frame) {
  auto& loop = *running_->shards[to.value];
  (void)loop.mailbox.post([&loop, client, frame = std::move(frame)]() mutable {
    loop.shard->on_passed_answer(client, std::move(frame));
  });
}

void SimNode::seek_epoch(NodeId from) {
  (void)running_->mailbox.post([this, from] {
    if (!running_->is_stopping) running_->control->seek_epoch(from);
  });
}

bool SimNode::is_ready() const {
  return running_ != nullptr && !running_->is_stopping && !running_->shards.empty() &&
         running_->shards_ready == running_->shards.size() && running_->control->is_clock_settled();
}

bool SimNode::is_broken() const {
  if (running_ == nullptr) return false;
  return running_->has_failed || std::ranges::any_of(running_->shards, [](const auto& loop) {
           return loop->store != nullptr && loop->store->status().state == StoreState::stopped;
         });
}

void SimNode::propose(std::shared_ptr<const Epoch> next, Control::Decided done) {
  running_->control->propose(std::move(next), std::move(done));
}

std::shared_ptr<const RingView> SimNode::view() const {
  return running_ == nullptr ? nullptr : running_->control->view();
}

const Store& SimNode::store(PartitionId partition) const {
  check(is_ready(), "a store is looked at while it is open");
  return *running_->shards[partition.value % running_->shards.size()]->store;
}

Shard& SimNode::shard_of(PartitionId partition) const {
  return *running_->shards[partition.value % running_->shards.size()]->shard;
}

bool SimNode::has_unsynced() const {
  return running_ != nullptr && std::ranges::any_of(running_->shards, [](const auto& loop) {
           return loop->store != nullptr && loop->store->synced() < loop->store->written();
         });
}

void SimNode::pause_purges(bool is_paused) {
  check(is_ready(), "purges are paused where shards run");
  for (const auto& loop : running_->shards) {
    auto& purge = loop->shard->purge();
    is_paused ? purge.pause() : purge.resume();
  }
}

void SimNode::start_scrubs() {
  check(is_ready(), "what is walked over is open");
  for (const auto& loop : running_->shards) (void)loop->shard->scrub().start();
}

bool SimNode::is_scrubbed() const {
  if (!is_ready()) return false;
  return std::ranges::all_of(running_->shards, [](const auto& loop) {
    const auto status = loop->shard->status();
    return !status.scrub.walk && status.anti_entropy.damaged_waiting == 0;
  });
}

ShardStatus SimNode::status(ShardIndex shard) const {
  return running_->shards[shard.value]->shard->status();
}

}  // namespace coterie::sim
