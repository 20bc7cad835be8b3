#include "node/node.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/env/system.h"
#include "base/limits.h"
#include "node/control/recovery.h"
#include "node/recover_as.h"

namespace coterie {
namespace {

/// Of the directories of shards, within the data directory.
constexpr std::string_view shard_prefix = "shard-";

std::uint16_t shards_wanted(const Config& config, bool is_new) {
  if (config.node.shards != 0) return static_cast<std::uint16_t>(config.node.shards);
  if (!is_new) return 0;  // whatever the directory was made with
  return static_cast<std::uint16_t>(std::min(usable_cores(), limits::shards_default_most));
}

/// What another start has already begun goes on.
Result<void> discard_data(const std::string& directory, const std::vector<std::string>& names,
                          Log& log) {
  for (const std::string& name : node_data(names)) {
    log.warn("node", "--discard-data: deletes " + directory + "/" + name);
    std::error_code error;
    std::filesystem::remove_all(directory + "/" + name, error);
    if (error) {
      return fail(ErrorCode::io,
                  "cannot delete " + directory + "/" + name + ": " + error.message());
    }
  }
  return {};
}

Result<void> begin_anew_in(FileSystem& files, const Config& config, const BeginAnew& anew,
                           Log& log) {
  if (!anew.as) return {};
  const auto known = load_recovery(files);
  const auto names = files.list("");
  if (!names) return std::unexpected(names.error());
  const bool is_old_copy = std::ranges::find(*names, restored_path) != names->end();
  const bool is_begun = known && *known && !is_old_copy;
  if (anew.discards_data && !is_begun) {
    if (auto done = discard_data(config.node.data_directory, *names, log); !done) return done;
  }
  const auto begun = begin_anew(files, {.node = *anew.as, .shards = shards_wanted(config, true)});
  if (!begun) return std::unexpected(begun.error());
  log.warn("node", *begun ? "begins anew as node " + to_hex(*anew.as) + ", with nothing"
                          : "goes on as node " + to_hex(*anew.as) +
                                ", which has begun anew already; --recover-as is needed no more");
  return {};
}

}  // namespace

Result<std::unique_ptr<Node>> Node::open(Config config, Log& log, const BeginAnew& anew) {
  std::error_code made;
  std::filesystem::create_directories(config.node.data_directory, made);
  auto files = PosixFileSystem::open(config.node.data_directory);
  if (!files) {
    return fail(files.error().code, "node.data_directory: " + files.error().message +
                                        "; name a directory that this user may make and write");
  }
  auto lock = DirectoryLock::take(config.node.data_directory);
  if (!lock) return std::unexpected(lock.error());
  if (auto begun = begin_anew_in(**files, config, anew, log); !begun) {
    return std::unexpected(begun.error());
  }
  const auto names = (*files)->list("");
  if (!names) return std::unexpected(names.error());
  const bool is_new = std::ranges::find(*names, "identity") == names->end();
  const bool has_data = std::ranges::any_of(
      *names, [](const std::string& name) { return name.starts_with(shard_prefix); });
  Random random(random_bits());
  auto identity = open_identity(**files, shards_wanted(config, is_new), random);
  if (!identity) return std::unexpected(identity.error());
  std::unique_ptr<Node> node(
      new Node(std::move(config), log, *std::move(files), *std::move(lock), *identity, has_data));
  if (auto opened = node->control_->open(); !opened) return std::unexpected(opened.error());
  if (auto opened = node->open_doors(); !opened) return std::unexpected(opened.error());
  return node;
}

Node::Node(Config config, Log& log, std::unique_ptr<PosixFileSystem> files, DirectoryLock lock,
           Identity identity, bool has_data)
    : config_(std::move(config)),
      log_(log),
      files_(std::move(files)),
      lock_(std::move(lock)),
      identity_(identity),
      run_(RunId{random_bits()}),
      started_(loop_.clock().now()),
      worker_(std::make_unique<UvWorker>(loop_)) {
  control_ = std::make_unique<Control>(
      Control::Environment{.clock = loop_.clock(),
                           .timers = loop_.timers(),
                           .files = *files_,
                           .log = log_,
                           .sizes =
                               [this](bool with_partitions, std::function<void(NodeSizes)> done) {
                                 collect_sizes(with_partitions, std::move(done));
                               },
                           .look_at_logs = [this] { look_at_logs(); },
                           .on_compared = [this] { begin_shards(); },
                           .on_restored = [this](const Error& why) { on_restored(why); },
                           .worker = worker_.get()},
      Control::Options{.config = config_,
                       .identity = identity_,
                       .run = run_,
                       .build = COTERIE_VERSION,
                       .gossip = {},
                       .has_data = has_data},
      Random(random_bits()),
      [this](const std::shared_ptr<const RingView>& view) { on_view(view); });
  gossip_transport_ = std::make_unique<UvTransport>(loop_, *control_);
}

Node::~Node() {
  end_shards();
  // What calls Control back goes before it.
  client_door_.reset();
  peer_door_.reset();
  gossip_door_.reset();
  datagrams_.reset();
  gossip_transport_.reset();
  worker_.reset();
  control_.reset();
}

Result<void> Node::open_doors() {
  auto datagrams = UvDatagrams::open(loop_, config_.doors.gossip, *control_);
  if (!datagrams) return std::unexpected(datagrams.error());
  datagrams_ = *std::move(datagrams);
  auto gossip = UvListener::listen(loop_, config_.doors.gossip, [this](GreetedSocket socket) {
    if (auto admitted = control_->admits(socket.theirs.view()); !admitted) {
      return refuse(std::move(socket), admitted.error());
    }
    if (auto taken = gossip_transport_->adopt(std::move(socket), control_->hello()); !taken) {
      log_.warn("gossip", taken.error().message);
    }
  });
  if (!gossip) return std::unexpected(gossip.error());
  gossip_door_ = *std::move(gossip);
  auto peer = UvListener::listen(loop_, config_.doors.peer, [this](GreetedSocket socket) {
    on_data_hello(std::move(socket), wire::Role::peer);
  });
  if (!peer) return std::unexpected(peer.error());
  peer_door_ = *std::move(peer);
  auto client = UvListener::listen(loop_, config_.doors.client, [this](GreetedSocket socket) {
    on_data_hello(std::move(socket), wire::Role::client);
  });
  if (!client) return std::unexpected(client.error());
  client_door_ = *std::move(client);
  return {};
}

Result<void> Node::run() {
  log_.info("node", "node " + to_hex(identity_.node) + ", " + std::to_string(identity_.shards) +
                        " shards, clients at " + config_.doors.client.text());
  control_->start(*gossip_transport_, *datagrams_);
  loop_.run();
  return outcome_;
}

// From any thread.
void Node::stop() {
  const bool posted = loop_.mailbox().post([this] { shut_down(); });
  if (!posted) loop_.stop();
}

void Node::shut_down() {
  if (std::exchange(is_stopping_, true)) return;
  log_.info("node", "stopping");
  client_door_.reset();
  peer_door_.reset();
  parts_to_end_ = 1;
  if (shards_ready_ == shards_.size() && !is_retired_) {
    for (const auto& shard : shards_) {
      const auto drained = [this] { (void)loop_.mailbox().post([this] { on_part_ended(); }); };
      if (shard->drain(drained)) ++parts_to_end_;
    }
  }
  // Should one of them not come to its end.
  stop_timer_ = loop_.timers().start(2 * Duration(limits::drain_most), [this] {
    parts_to_end_ = 1;
    on_part_ended();
  });
  control_->leave([this] { on_part_ended(); });
}

void Node::on_part_ended() {
  if (parts_to_end_ == 0) return;
  --parts_to_end_;
  if (parts_to_end_ > 0) return;
  loop_.timers().cancel(stop_timer_);
  end_shards();
  loop_.stop();
}

/// The epoch does not name this node any more. Clients are told to ask others, what is in progress
/// ends, and then nothing is served; the control loop stays, to say so.
void Node::retire(const std::shared_ptr<const RingView>& view) {
  is_retired_ = true;
  log_.warn("node", "stops serving: it is no member of the cluster any more");
  client_door_.reset();
  peer_door_.reset();
  if (shards_ready_ < shards_.size()) return;  // begin_shards() ends them
  parts_to_retire_ = 1;
  for (const auto& shard : shards_) {
    (void)shard->post([view](Shard& running) { running.set_view(view); });
    const auto drained = [this] { (void)loop_.mailbox().post([this] { on_retired_part(); }); };
    if (shard->drain(drained)) ++parts_to_retire_;
  }
  on_retired_part();
}

void Node::on_retired_part() {
  if (--parts_to_retire_ == 0 && !is_stopping_) end_shards();
}

/// All threads end before the first shard goes: until then one may pass a request on to another.
void Node::end_shards() {
  for (const auto& shard : shards_) shard->stop();
  for (const auto& shard : shards_) shard->join();
  shards_.clear();
  shards_opened_ = 0;
  shards_ready_ = 0;
}

void Node::on_view(const std::shared_ptr<const RingView>& view) {
  if (is_stopping_ || is_retired_) return;
  if (view->epoch->member(identity_.node) == nullptr) return retire(view);
  if (shards_.empty()) return start_shards(view);
  for (const auto& shard : shards_) {
    if (!shard->post([view](Shard& running) { running.set_view(view); })) {
      log_.warn("node", "a shard's mailbox is full; it learns of the next change of the ring");
    }
  }
}

void Node::start_shards(const std::shared_ptr<const RingView>& view) {
  for (std::uint16_t i = 0; i < identity_.shards; ++i) {
    ShardThread::Options options;
    options.directory =
        config_.node.data_directory + "/" + std::string(shard_prefix) + std::to_string(i);
    options.partitions = view->epoch->partitions();
    options.map_bytes = limits::map_bytes_a_node / identity_.shards;
    options.has_lost_all = control_->recovery().has_value();
    options.shard.node = identity_.node;
    options.shard.run = run_;
    options.shard.shard = ShardIndex{i};
    options.shard.shards = identity_.shards;
    options.shard.build = COTERIE_VERSION;
    options.shard.value_bytes = config_.limits.value_bytes;
    options.shard.purge = {.is_enabled = config_.purge.enabled,
                           .interval = std::chrono::seconds(config_.purge.interval_seconds)};
    options.shard.admission.bytes_a_shard = config_.limits.in_flight_bytes;
    options.shard.handoff.bytes_a_second = config_.handoff.bytes_a_second / identity_.shards;
    options.shard.handoff.window = config_.handoff.window;
    options.shard.stream_bytes_a_second = config_.streams.bytes_a_second / identity_.shards;
    options.shard.anti_entropy = options_of(config_.anti_entropy);
    options.shard.scrub = {.interval = std::chrono::seconds(config_.scrub.interval_s),
                           .bytes_a_second = config_.scrub.bytes_a_second / identity_.shards};
    options.on_evidence = [this](ShardEvidence evidence) {
      // Of what is lost here the shard tells again.
      (void)loop_.mailbox().post(
          [this, evidence = std::move(evidence)] { control_->note_evidence(evidence); });
    };
    shards_.push_back(std::make_unique<ShardThread>(
        std::move(options), *this, log_, [this, i](const Result<OwnLog>& result) {
          (void)loop_.mailbox().post([this, i, result] { on_shard_opened(i, result); });
        }));
  }
}

void Node::on_shard_opened(std::size_t shard, const Result<OwnLog>& result) {
  if (shards_.empty() || is_stopping_) return;
  if (!result) {
    log_.error("node", result.error().message);
    outcome_ = std::unexpected(result.error());
    shut_down();
    return;
  }
  control_->note_log(ShardIndex{static_cast<std::uint16_t>(shard)}, *result);
  if (is_stopping_ || ++shards_opened_ < shards_.size()) return;
  begin_shards();
}

/// Once all logs have recovered, and the others do not remember more of them than they hold.
void Node::begin_shards() {
  if (shards_.empty() || shards_opened_ < shards_.size() || !control_->is_compared()) return;
  if (is_stopping_ || shards_ready_ > 0) return;
  if (is_retired_) return end_shards();
  for (const auto& shard : shards_) {
    check(shard->begin(control_->view()), "the mailbox of a shard that has not begun is empty");
  }
  shards_ready_ = shards_.size();
  log_.info("node", "ready");
}

/// At once, whatever is in progress: it may rest on what this node has forgotten.
void Node::on_restored(const Error& why) {
  outcome_ = std::unexpected(why);
  is_stopping_ = true;
  client_door_.reset();
  peer_door_.reset();
  // Not from within what calls this.
  check(loop_.mailbox().post([this] {
    end_shards();
    loop_.stop();
  }),
        "a node that must end can tell itself so");
}

void Node::look_at_logs() {
  if (shards_ready_ == 0) return;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    // One that is too busy is looked at the next time.
    (void)shards_[i]->ask_log([this, i](OwnLog log) {
      (void)loop_.mailbox().post([this, i, log] {
        if (!is_stopping_) control_->note_log(ShardIndex{static_cast<std::uint16_t>(i)}, log);
      });
    });
  }
}

void Node::on_data_hello(GreetedSocket socket, wire::Role role) {
  const auto hello = socket.theirs.view();
  Result<void> admitted = control_->admits(hello);
  if (admitted && hello.role != role) {
    admitted = fail(ErrorCode::refused, "this is another door: look at the node's configuration");
  } else if (admitted && !is_serving()) {
    admitted = fail(ErrorCode::unavailable, "the node is starting; retry");
  }
  if (!admitted) return refuse(std::move(socket), admitted.error());
  // A client that does not know the shard count yet may name one that is not there.
  shards_[hello.shard.value % shards_.size()]->adopt(std::move(socket));
}

bool Node::is_serving() const {
  return shards_ready_ == identity_.shards && control_->is_clock_settled();
}

bool Node::pass_on(ShardIndex to, PassedFrame frame) {
  return shards_[to.value]->post(
      [frame = std::move(frame)](Shard& shard) { shard.on_passed(frame); });
}

void Node::answer(ShardIndex to, coordinator::ClientHandle client, Bytes frame) {
  (void)shards_[to.value]->post([client, frame = std::move(frame)](Shard& shard) mutable {
    shard.on_passed_answer(client, std::move(frame));
  });
}

void Node::seek_epoch(NodeId from) {
  (void)loop_.mailbox().post([this, from] {
    if (!is_stopping_) control_->seek_epoch(from);
  });
}

bool Node::post_to(PartitionId partition, std::move_only_function<void(Shard&)> task) {
  return loop_.mailbox().post([this, partition, task = std::move(task)]() mutable {
    // None before the first epoch, and none any more while the node stops.
    if (shards_.empty() || shards_ready_ < shards_.size()) return;
    (void)shards_[partition.value % shards_.size()]->post(std::move(task));
  });
}

}  // namespace coterie
