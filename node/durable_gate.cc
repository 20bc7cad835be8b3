#include "node/durable_gate.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace coterie {

bool DurableGate::is_durable(LogPosition position, Durability durability) const {
#ifdef COTERIE_PLANT_EARLY_ANSWER  // defined only where a test must see it
  if (position <= store_.last()) return true;
#endif
  return position <= (durability == Durability::commit ? store_.synced() : store_.written());
}

/// Of what leaves: it rests on nothing that a crash could take, whatever way it came here.
void DurableGate::check_durable([[maybe_unused]] LogPosition position,
                                [[maybe_unused]] Durability durability) {
#ifndef COTERIE_PLANT_EARLY_ANSWER  // defined only where a test must see it
  const LogPosition synced = store_.synced();
  check(synced >= synced_before_, "what was synced stays synced");
  synced_before_ = synced;
  check(position <= (durability == Durability::commit ? synced : store_.written()),
        "what leaves rests on nothing that could be lost");
#endif
}

void DurableGate::answer(LogPosition position, Durability durability, ConnectionId to,
                         Bytes frame) {
  if (is_durable(position, durability)) {
    check_durable(position, durability);
    send_(to, std::move(frame));
    return;
  }
  add(durability, {.position = position, .to = to, .frame = std::move(frame)});
}

void DurableGate::vote(LogPosition position, Durability durability, coordinator::Tag tag) {
  add(durability, {.position = position, .tag = tag});
}

void DurableGate::call(LogPosition position, std::move_only_function<void()> then) {
  if (is_durable(position, Durability::commit)) {
    check_durable(position, Durability::commit);
    return then();
  }
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
  release(synced_, Durability::commit);
  release(written_, Durability::interval);
}

void DurableGate::drop_all() {
  synced_.clear();
  written_.clear();
}

void DurableGate::release(Queue& queue, Durability durability) {
  while (!queue.empty() && is_durable(queue.front().position, durability)) {
    Waiting waiting = std::move(queue.front());
    queue.pop_front();
    check_durable(waiting.position, durability);
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
