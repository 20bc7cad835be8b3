#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/random.h"
#include "tests/sim/env/faults.h"

namespace coterie::sim {

/// From 1; 0 is the world itself.
using NodeIndex = Id<struct SimNodeTag, std::uint32_t>;
using EventId = Id<struct SimEventTag, std::uint64_t>;

/// One run of a node between two crashes: events and objects of an ended one do nothing more.
struct Life {
  NodeIndex node;
  std::uint32_t number = 0;

  auto operator<=>(const Life&) const = default;
};

enum class Crash : std::uint8_t {
  process,      // the page cache stays
  power,        // any part of what was not synced may be gone
  clean_power,  // all of it is
};

/// Virtual time: events in order of (time, when they were scheduled), one thread, no clock. The
/// same seed and the same calls give the same run; hash() tells whether two runs were the same.
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed);
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] Instant now() const { return now_; }
  /// Draws of its own for one part of the world, so that one part's do not shift another's.
  [[nodiscard]] Random fork_random() { return random_.fork(); }

  [[nodiscard]] NodeIndex add_node();
  /// The node's run that is under way.
  [[nodiscard]] Life life(NodeIndex node) const;
  [[nodiscard]] bool is_over(Life life) const;
  /// Ends the node's run: its events are dropped, its connections break, its disk forgets as `how`
  /// says. Whoever holds its objects destroys them afterwards; the next ones made are of the next
  /// run.
  void crash(NodeIndex node, Crash how);
  /// All the node's events wait so long (SIGSTOP).
  void pause(NodeIndex node, Duration time);

  [[nodiscard]] Faults& faults(NodeIndex node);
  /// Of all links that have none of their own.
  [[nodiscard]] LinkFaults& default_link() { return default_link_; }
  /// The link's own, which begins as a copy of the default.
  [[nodiscard]] LinkFaults& link(NodeIndex from, NodeIndex to);
  [[nodiscard]] const LinkFaults& link_of(NodeIndex from, NodeIndex to) const;
  /// All links have the default again.
  void reset_links() { links_.clear(); }

  /// Calls `run` once `after` has passed, if that life lasts so long. `what` goes into the hash.
  EventId schedule(Life life, Duration after, std::string_view what,
                   std::move_only_function<void()> run);
  void cancel(EventId id);
  /// Runs the next event; false if there is none.
  bool step();
  void run_for(Duration time);
  /// Runs until `done`, which is asked after each event; false if that is not so after `at_most` or
  /// when nothing is left to happen.
  bool run_until(const std::function<bool()>& done, Duration at_most);

  /// Adds to the hash what happened.
  void note(NodeIndex node, std::string_view what, BytesView detail = {});
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t events_run() const { return events_run_; }
  /// Sees every note; to look at a run that failed.
  using Trace = std::function<void(Instant, NodeIndex, std::string_view what, BytesView detail)>;
  void trace(Trace trace) { trace_ = std::move(trace); }

  /// Called by crash(), in the order added.
  std::uint64_t at_crash(std::function<void(NodeIndex, Crash)> call);
  void remove_at_crash(std::uint64_t id) { at_crash_.erase(id); }

 private:
  struct Node {
    std::uint32_t life = 1;
    Instant paused_until;
    Faults faults;
  };
  struct Event {
    Life life;
    std::string_view what;
    std::move_only_function<void()> run;
  };
  struct Place {
    Instant when;
    std::uint64_t id = 0;
  };

  static bool later(const Place& a, const Place& b);
  void push(Place place);

  std::uint64_t seed_;
  Random random_;
  Instant now_;
  std::vector<Node> nodes_;
  LinkFaults default_link_;
  std::map<std::pair<NodeIndex, NodeIndex>, LinkFaults> links_;
  std::vector<Place> queue_;  // a heap; cancelled events stay in it for a while
  std::unordered_map<std::uint64_t, Event> events_;
  std::uint64_t last_event_ = 0;
  std::uint64_t events_run_ = 0;
  std::uint64_t hash_;
  Trace trace_;
  std::map<std::uint64_t, std::function<void(NodeIndex, Crash)>> at_crash_;
  std::uint64_t last_at_crash_ = 0;
};

/// A draw from [least, most].
[[nodiscard]] Duration draw(Random& random, Duration least, Duration most);

}  // namespace coterie::sim
