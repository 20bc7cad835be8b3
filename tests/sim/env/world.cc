#include "tests/sim/env/world.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/hash.h"

namespace coterie::sim {

Duration draw(Random& random, Duration least, Duration most) {
  check(least <= most, "a range of times has its least first");
  const auto width = static_cast<std::uint64_t>((most - least).count());
  return least + Duration(static_cast<Duration::rep>(random.below(width + 1)));
}

SimWorld::SimWorld(std::uint64_t seed)
    // One node too many: the world itself is number 0 and never crashes.
    : seed_(seed), random_(seed), nodes_(1), hash_(seed) {}

NodeIndex SimWorld::add_node() {
  nodes_.emplace_back();
  return NodeIndex{static_cast<std::uint32_t>(nodes_.size() - 1)};
}

Life SimWorld::life(NodeIndex node) const {
  return {node, nodes_.at(node.value).life};
}

bool SimWorld::is_over(Life life) const {
  return nodes_.at(life.node.value).life != life.number;
}

void SimWorld::crash(NodeIndex node, Crash how) {
  check(node.value != 0, "the world does not crash");
  note(node, how == Crash::process ? "process crash" : "power loss");
  ++nodes_.at(node.value).life;
  nodes_.at(node.value).paused_until = now_;
  for (const auto& [id, call] : at_crash_) call(node, how);
}

void SimWorld::pause(NodeIndex node, Duration time) {
  note(node, "pause");
  nodes_.at(node.value).paused_until = now_ + time;
}

Faults& SimWorld::faults(NodeIndex node) {
  return nodes_.at(node.value).faults;
}

LinkFaults& SimWorld::link(NodeIndex from, NodeIndex to) {
  return links_.try_emplace({from, to}, default_link_).first->second;
}

const LinkFaults& SimWorld::link_of(NodeIndex from, NodeIndex to) const {
  const auto found = links_.find({from, to});
  return found == links_.end() ? default_link_ : found->second;
}

EventId SimWorld::schedule(Life life, Duration after, std::string_view what,
                           std::move_only_function<void()> run) {
  const EventId id{++last_event_};
  events_.emplace(id.value, Event{.life = life, .what = what, .run = std::move(run)});
  push({.when = now_ + std::max(after, Duration::zero()), .id = id.value});
  return id;
}

void SimWorld::cancel(EventId id) {
  events_.erase(id.value);
  if (queue_.size() > 1024 && queue_.size() > 2 * events_.size()) {
    std::erase_if(queue_, [this](const Place& place) { return !events_.contains(place.id); });
    std::ranges::make_heap(queue_, later);
  }
}

bool SimWorld::later(const Place& a, const Place& b) {
  return a.when != b.when ? a.when > b.when : a.id > b.id;
}

void SimWorld::push(Place place) {
  queue_.push_back(place);
  std::ranges::push_heap(queue_, later);
}

bool SimWorld::step() {
  while (!queue_.empty()) {
    std::ranges::pop_heap(queue_, later);
    const Place place = queue_.back();
    queue_.pop_back();
    const auto found = events_.find(place.id);
    if (found == events_.end()) continue;
    const Life life = found->second.life;
    if (is_over(life)) {
      events_.erase(found);
      continue;
    }
    if (const Instant until = nodes_[life.node.value].paused_until; until > place.when) {
      push({.when = until, .id = place.id});  // the id keeps their order
      continue;
    }
    Event event = std::move(found->second);
    events_.erase(found);
    now_ = place.when;
    ++events_run_;
    note(life.node, event.what);
    event.run();
    return true;
  }
  return false;
}

void SimWorld::run_for(Duration time) {
  const Instant end = now_ + time;
  // Whether the front is an event that will run shows only when it is its turn, so a last one of
  // our own marks the end.
  bool has_ended = false;
  schedule({NodeIndex{0}, 1}, time, "end", [&has_ended] { has_ended = true; });
  while (!has_ended) step();
  check(now_ == end, "virtual time stops where it was told to");
}

bool SimWorld::run_until(const std::function<bool()>& done, Duration at_most) {
  bool is_late = false;
  const EventId end = schedule({NodeIndex{0}, 1}, at_most, "end", [&is_late] { is_late = true; });
  while (!done() && !is_late) step();
  cancel(end);
  return done();
}

void SimWorld::note(NodeIndex node, std::string_view what, BytesView detail) {
  const std::array<std::uint64_t, 4> head{
      static_cast<std::uint64_t>(now_.time_since_epoch().count()), node.value, hash64(what),
      detail.size()};
  hash_ = hash64(BytesView(reinterpret_cast<const char*>(head.data()), sizeof head), hash_);
  if (!detail.empty()) hash_ = hash64(detail, hash_);
  if (trace_) trace_(now_, node, what, detail);
}

std::uint64_t SimWorld::at_crash(std::function<void(NodeIndex, Crash)> call) {
  at_crash_.emplace(++last_at_crash_, std::move(call));
  return last_at_crash_;
}

}  // namespace coterie::sim
