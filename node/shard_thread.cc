#include "node/shard_thread.h"

#include <utility>

#include "base/env/posix_file.h"
#include "base/env/system.h"
#include "base/env/uv_transport.h"
#include "base/env/uv_worker.h"
#include "base/limits.h"
#include "node/run_note.h"
#include "storage/lmdb_table.h"
#include "storage/log_store.h"

namespace coterie {
namespace {

constexpr const char* run_note_path = "run";

OwnLog log_of(const LogStore& store) {
  return {.log_id = store.log_id(), .synced = store.synced().value, .last = store.last().value};
}

}  // namespace

/// In the order in which they are made; destroyed in reverse.
struct ShardThread::Running {
  std::unique_ptr<PosixFileSystem> files;
  std::unique_ptr<LmdbTable> table;
  std::unique_ptr<UvWorker> commit;
  std::unique_ptr<UvWorker> checkpoint;
  std::unique_ptr<LogStore> store;
  std::unique_ptr<Shard> shard;
  std::unique_ptr<UvTransport> transport;
  UvLoop::HookId flush;
  bool is_closing = false;
};

ShardThread::ShardThread(Options options, Mesh& mesh, Log& log, OnOpened opened)
    : options_(std::move(options)),
      mesh_(mesh),
      log_(log),
      thread_([this, opened = std::move(opened)] { run(opened); }) {}

ShardThread::~ShardThread() {
  stop();
  join();
}

void ShardThread::join() {
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<ShardThread::Running>> ShardThread::open() {
  auto out = std::make_unique<Running>();
  auto files = PosixFileSystem::open(options_.directory);
  if (!files) return std::unexpected(files.error());
  out->files = *std::move(files);
  auto table =
      LmdbTable::open({.directory = options_.directory + "/lmdb", .map_bytes = options_.map_bytes});
  if (!table) return std::unexpected(table.error());
  out->table = *std::move(table);
  out->commit = std::make_unique<UvWorker>(loop_);
  out->checkpoint = std::make_unique<UvWorker>(loop_);
  const auto position = out->table->position();
  if (!position) return std::unexpected(position.error());
  const auto doubt = begin_run(
      *out->files, run_note_path,
      {.boot = boot_id(), .has_data = position->value > 0, .fresh_doubt = random_bits() | 1});
  if (!doubt) return std::unexpected(doubt.error());
  options_.shard.doubt = *doubt;
  LogStoreOptions log;
  log.partitions = options_.partitions;
  log.shard = options_.shard.shard;
  log.shards = options_.shard.shards;
  log.new_log_id = random_bits() | 1;
  log.has_lost_all = options_.has_lost_all;
  auto store = LogStore::open({.files = *out->files,
                               .table = *out->table,
                               .commit = *out->commit,
                               .checkpoint = *out->checkpoint,
                               .clock = loop_.clock(),
                               .timers = loop_.timers()},
                              log);
  if (!store) return std::unexpected(store.error());
  out->store = *std::move(store);
  if (const auto room = out->files->free_bytes()) {
    options_.shard.handoff.book.bytes = *room / limits::hint_disk_part / options_.shard.shards;
  }
  out->flush =
      loop_.at_turn_end(UvLoop::TurnEnd::gather, [store = out->store.get()] { store->flush(); });
  return out;
}

void ShardThread::begin_here(std::shared_ptr<const RingView> view) {
  running_->shard = std::make_unique<Shard>(Shard::Environment{.clock = loop_.clock(),
                                                               .timers = loop_.timers(),
                                                               .turns = loop_.turns(),
                                                               .store = *running_->store,
                                                               .mesh = mesh_,
                                                               .log = log_,
                                                               .on_evidence = options_.on_evidence},
                                            options_.shard, Random(random_bits()), std::move(view));
  running_->transport = std::make_unique<UvTransport>(loop_, *running_->shard);
  running_->shard->attach(*running_->transport);
}

bool ShardThread::begin(std::shared_ptr<const RingView> view) {
  return loop_.mailbox().post([this, view = std::move(view)]() mutable {
    if (running_ != nullptr && !running_->is_closing) begin_here(std::move(view));
  });
}

bool ShardThread::ask_log(std::function<void(OwnLog)> done) {
  return loop_.mailbox().post([this, done = std::move(done)] {
    if (running_ != nullptr && !running_->is_closing) done(log_of(*running_->store));
  });
}

void ShardThread::run(const OnOpened& on_opened) {
  auto opened = open();
  if (!opened) {
    on_opened(std::unexpected(opened.error()));
    return;
  }
  running_ = *std::move(opened);
  on_opened(log_of(*running_->store));
  loop_.run();
  loop_.remove_hook(running_->flush);
  running_->transport.reset();
  running_.reset();
}

bool ShardThread::post(std::move_only_function<void(Shard&)> task) {
  return loop_.mailbox().post([this, task = std::move(task)]() mutable {
    if (running_ != nullptr && running_->shard != nullptr) task(*running_->shard);
  });
}

bool ShardThread::drain(std::move_only_function<void()> done) {
  return post([done = std::move(done)](Shard& shard) mutable { shard.drain(std::move(done)); });
}

void ShardThread::adopt(GreetedSocket socket) {
  const bool posted = loop_.mailbox().post([this, socket = std::move(socket)]() mutable {
    if (running_ == nullptr || running_->transport == nullptr) return;
    if (running_->transport->connections() >= limits::connections_a_shard) {
      return refuse(std::move(socket),
                    {.code = ErrorCode::overloaded,
                     .message = "this shard has as many connections as it may; retry later",
                     .retry_after_ms = 1000});
    }
    const auto hello = running_->shard->hello(options_.shard.shard);
    if (auto taken = running_->transport->adopt(std::move(socket), hello); !taken) {
      log_.warn("shard", taken.error().message);
    }
  });
  if (!posted) log_.warn("shard", "a connection was dropped: the shard's mailbox is full");
}

/// Without the note the next run may doubt more than it has to.
void ShardThread::note_end() {
  const auto& store = *running_->store;
  if (store.synced() < store.last()) return;
  if (auto noted = end_run(*running_->files, run_note_path); !noted) {
    log_.warn("shard", noted.error().message);
  }
}

void ShardThread::stop() {
  if (std::exchange(is_stopping_, true)) return;
  const bool posted = loop_.mailbox().post([this] {
    if (running_ == nullptr) return loop_.stop();
    running_->is_closing = true;
    running_->store->close([this] {
      note_end();
      loop_.stop();
    });
  });
  if (!posted) loop_.stop();
}

}  // namespace coterie
