#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/env/transport.h"
#include "base/policy.h"
#include "node/coordinator/local_replica.h"
#include "storage/store.h"

namespace coterie {

/// What waits for the log: answers to peers and votes of this node's own copies, each until the
/// position that it rests on is durable in the sense asked for. One thread.
class DurableGate {
 public:
  using SendFrame = std::function<void(ConnectionId, Bytes)>;
  using OnDurable = std::function<void(coordinator::Tag)>;

  DurableGate(Store& store, SendFrame send, OnDurable on_durable)
      : store_(store), send_(std::move(send)), on_durable_(std::move(on_durable)) {}

  [[nodiscard]] bool is_durable(LogPosition position, Durability durability) const;
  /// Sends `frame` once `position` is durable; now, if it is.
  void answer(LogPosition position, Durability durability, ConnectionId to, Bytes frame);
  /// Tells the coordinator once `position` is durable; `position` is not durable yet.
  void vote(LogPosition position, Durability durability, coordinator::Tag tag);
  /// Calls `then` once `position` is synced; now, if it is.
  void call(LogPosition position, std::move_only_function<void()> then);
  /// The store has made progress.
  void release();
  /// The store has stopped: nothing that waits will be durable. Peers and the coordinator give it
  /// up by their deadlines.
  void drop_all();
  [[nodiscard]] std::size_t waiting() const { return synced_.size() + written_.size(); }

 private:
  struct Waiting {
    LogPosition position;
    ConnectionId to;  // 0: a vote
    coordinator::Tag tag;
    Bytes frame;
    std::move_only_function<void()> then;
  };
  using Queue = std::deque<Waiting>;  // sorted by position

  void add(Durability durability, Waiting waiting);
  void release(Queue& queue, Durability durability);
  void check_durable(LogPosition position, Durability durability);

  Store& store_;
  SendFrame send_;
  OnDurable on_durable_;
  Queue synced_;
  Queue written_;
  LogPosition synced_before_;  // the store's, when something left last
};

}  // namespace coterie
