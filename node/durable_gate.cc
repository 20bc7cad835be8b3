#include "node/durable_gate.h"

#include <algorithm>
#include <utility>

namespace coterie {

bool DurableGate::is_durable(LogPosition position, Durability durability) const {
#ifdef COTERIE_PLANT_EARLY_ANSWER  // defined only where a test must see it
  if (position <= store_.last()) return true;
#endif
  return position <= (durability == Durability::commit ? store_.synced() : store_.written());
}

void DurableGate::answer(LogPosition position, Durability durability, ConnectionId to,
                         Bytes frame) {
  if (is_durable(position, durability)) {
    send_(to, std::move(frame));
    return;
  }
  add(durability, {.position = position, .to = to, .frame = std::move(frame)});
}

void DurableGate::vote(LogPosition position, Durability durability, coordinator::Tag tag) {
  add(durability, {.position = position, .tag = tag});
}

void DurableGate::call(LogPosition position, std::move_only_function<void()> then) {
  if (is_durable(position, Durability::commit)) return then();
  add(Durability::commit, {.position = position, .then = std::move(then)});
}

void DurableGate::add(Durability durability, Waiting waiting) {
  if (durability == Durability::commit) store_.request_sync();
  Queue& queue = durability == Durability::commit ? synced_ : written_;
  // Nearly always the end: only answers about older records rest on less than the last append.
  auto at = queue.end();
  while (at != queue.begin() && std::prev(at)->position > waiting.position) --at;
  queue.insert(at, std::move(waiting));
}

void DurableGate::release() {
  release(synced_, store_.synced());
  release(written_, store_.written());
}

void DurableGate::drop_all() {
  synced_.clear();
  written_.clear();
}

void DurableGate::release(Queue& queue, LogPosition reached) {
  while (!queue.empty() && queue.front().position <= reached) {
    Waiting waiting = std::move(queue.front());
    queue.pop_front();
    if (waiting.then) {
      waiting.then();
    } else if (waiting.to.value == 0) {
      on_durable_(waiting.tag);
    } else {
      send_(waiting.to, std::move(waiting.frame));
    }
  }
}

}  // namespace coterie
