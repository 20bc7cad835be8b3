#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/instant.h"
#include "base/random.h"
#include "gossip/gossip.h"

namespace coterie::gossip::test {

/// What the network does to packets.
struct Network {
  Duration delay_least = 100us;
  Duration delay_most = 5ms;
  double loss = 0;
};

/// A member's event and when it was.
struct Seen {
  Instant at;
  std::size_t observer;
  Event event;
};

/// Nodes with the production's Gossip on virtual time: one seed, one run. A stalled node is one
/// whose process is stopped: its socket buffers fill, its timers wait, and when it goes on its late
/// timers fire before it reads, as an event loop does it.
class World {
 public:
  World(std::size_t nodes, std::uint64_t seed, Network network = {}, Settings settings = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// All know each other, without having gone through the join.
  void introduce_all();
  /// Starts one more node, which knows nobody; its index.
  std::size_t add_node();
  void join(std::size_t node, const std::vector<std::size_t>& seeds);

  void crash(std::size_t node);
  /// A new run under the old id, by default with a higher incarnation; joins at the seeds.
  void restart(std::size_t node, const std::vector<std::size_t>& seeds,
               std::int64_t incarnation_step = 1000);
  void stall(std::size_t node, Duration duration);
  void leave(std::size_t node);
  void set_meta(std::size_t node, Bytes meta);
  /// Nodes of different sides do not hear each other; all begin on side 0.
  void set_side(std::size_t node, int side) { nodes_[node].side = side; }

  /// It sends, and no packet reaches it.
  void set_deaf(std::size_t node, bool deaf) { nodes_[node].deaf = deaf; }
  /// Nothing passes between these two, either way.
  void cut(std::size_t a, std::size_t b) { cuts_.insert(std::minmax(a, b)); }
  /// Hands a packet in as if `from` had sent it.
  void inject(std::size_t node, const Address& from, BytesView packet);

  void run_for(Duration duration);
  /// False if `done` did not come to hold within `most`; asked after every event.
  bool run_until(const std::function<bool()>& done, Duration most);

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] Gossip& at(std::size_t node) { return *nodes_[node].gossip; }
  [[nodiscard]] bool running(std::size_t node) const { return nodes_[node].running; }
  [[nodiscard]] bool stalled(std::size_t node) const { return nodes_[node].stalled; }
  [[nodiscard]] static NodeId id_of(std::size_t node);
  [[nodiscard]] static Address address_of(std::size_t node);
  /// The state of `other` as `observer` holds it; left for one it does not know.
  [[nodiscard]] MemberState state_at(std::size_t observer, std::size_t other) const;
  /// Every running node holds every running node alive.
  [[nodiscard]] bool all_alive() const;
  /// Events of this kind about `subject`, at whatever observer.
  [[nodiscard]] std::size_t count(EventKind kind, std::size_t subject) const;
  [[nodiscard]] std::vector<Seen>& seen() { return seen_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }
  /// Over every packet delivered and event seen: two runs of one seed agree on it.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  enum class Kind : std::uint8_t { wake, resume, packet, request, reply, failure };
  struct Event_ {
    Instant at;
    std::uint64_t order;
    Kind kind;
    std::size_t to;
    std::size_t from;
    std::uint64_t run;  // of `to`; a wake-up of an earlier run or asked for earlier is void
    Bytes bytes;
  };
  struct Later {
    bool operator()(const Event_& a, const Event_& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  struct Node {
    std::unique_ptr<Gossip> gossip;
    bool running = false;
    bool stalled = false;
    bool deaf = false;
    int side = 0;
    std::uint64_t run = 0;
    std::uint64_t wake_order = 0;  // of the wake-up that is valid; 0 if there is none
    Instant wake;
    std::uint64_t incarnation = 1000;
    std::vector<Event_> backlog;
  };

  void start(std::size_t node, std::int64_t incarnation_step);
  void push(Event_ event);
  void handle(Event_ event);
  void deliver(Event_& event);
  void resume(std::size_t node);
  void perform(std::size_t node);
  void mix(BytesView bytes, std::uint64_t extra);
  [[nodiscard]] Duration delay();
  [[nodiscard]] Duration stream_delay();
  [[nodiscard]] bool connected(std::size_t a, std::size_t b) const;

  Random random_;
  Network network_;
  Settings settings_;
  SipSeal seal_;
  Instant now_{};
  std::vector<Node> nodes_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  std::priority_queue<Event_, std::vector<Event_>, Later> queue_;
  std::uint64_t next_order_ = 1;
  Outbox out_;
  std::vector<Seen> seen_;
  std::uint64_t packets_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace coterie::gossip::test
