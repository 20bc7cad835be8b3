#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/env/uv_listener.h"
#include "base/env/uv_loop.h"
#include "base/log.h"
#include "node/mesh.h"
#include "node/shard.h"
#include "node/shard_evidence.h"

namespace coterie {

/// A shard with all that it runs on: a thread, a libuv loop, sockets, its log and LMDB environment.
/// Made, stopped and destroyed on the control loop.
class ShardThread {
 public:
  struct Options {
    Shard::Options shard;
    /// Of this shard's files; made if absent.
    std::string directory;
    std::uint32_t partitions = 0;
    std::uint64_t map_bytes = 0;
    /// LogStoreOptions'.
    bool has_lost_all = false;
    /// Called on the shard's thread.
    ShardStreams::OnEvidence on_evidence;
  };
  /// Called on the shard's thread: once recovery ended, well or not.
  using OnOpened = std::function<void(Result<OwnLog>)>;

  ShardThread(Options options, Mesh& mesh, Log& log, OnOpened opened);
  ~ShardThread();
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;

  /// The shard serves from here on, and speaks to others. Once, after it has opened; as post().
  bool begin(std::shared_ptr<const RingView> view);
  /// How far its log is; `done` is called on the shard's thread. As post().
  bool ask_log(std::function<void(OwnLog)> done);
  /// Runs on the shard's thread, if it has begun; false if its mailbox is full or it has stopped.
  bool post(std::move_only_function<void(Shard&)> task);
  /// Shard::drain(); `done` is called on the shard's thread. False, and it will not be, as post().
  bool drain(std::move_only_function<void()> done);
  /// Hands over a greeted connection.
  void adopt(GreetedSocket socket);
  /// Stops taking requests, checkpoints, ends the thread.
  void stop();
  /// Waits for the thread's end; stop() came before. What is posted afterwards is refused, so that
  /// shards that still run may name one that does not.
  void join();

 private:
  struct Running;
  void note_end();
  void run(const OnOpened& opened);
  [[nodiscard]] Result<std::unique_ptr<Running>> open();
  void begin_here(std::shared_ptr<const RingView> view);

  Options options_;
  Mesh& mesh_;
  Log& log_;
  UvLoop loop_;
  bool is_stopping_ = false;
  std::unique_ptr<Running> running_;  // on the shard's thread only
  std::thread thread_;
};

}  // namespace coterie
