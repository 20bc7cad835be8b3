#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/env/clock.h"
#include "base/env/transport.h"
#include "base/random.h"
#include "node/ring_view.h"

namespace coterie {

/// One shard's connections to the shards of other nodes: dialled on first use, dialled again after
/// a loss with jittered back-off, so that a returning node is not stormed. A link over which
/// nothing is answered for a while is given up and dialled anew: what was cut off may have to wait
/// long for TCP to try again. One thread.
class PeerLinks {
 public:
  struct Target {
    NodeId node;
    ShardIndex shard;

    auto operator<=>(const Target&) const = default;
  };
  using MakeHello = std::function<wire::Hello(ShardIndex theirs)>;

  PeerLinks(const Clock& clock, Random random, MakeHello hello)
      : clock_(clock), random_(random), hello_(std::move(hello)) {}
  void attach(Transport& transport) { transport_ = &transport; }
  /// New addresses; a node that came back to life is dialled without waiting for its back-off, and
  /// a link to it that has been silent is given up.
  void set_view(std::shared_ptr<const RingView> view);

  /// Queues a frame. False: nowhere to send it now (no address, waiting after a loss, dead and not
  /// connected, queue full).
  [[nodiscard]] bool send(const Target& to, Bytes frame);
  /// Whether a send would be tried: not within the back-off after a loss.
  [[nodiscard]] bool is_reachable(NodeId node) const;

  [[nodiscard]] bool is_connected(NodeId node) const;
  /// The view says that it lives.
  [[nodiscard]] bool is_alive(NodeId node) const;
  /// The shard of a node that holds a partition; nothing if that node has never been heard of.
  [[nodiscard]] std::optional<Target> shard_of(NodeId node, PartitionId partition) const;
  /// Whom a link goes to; nothing if it is none of these.
  [[nodiscard]] std::optional<Target> target_of(ConnectionId connection) const;

  void on_open(ConnectionId connection, const wire::Hello& theirs);
  /// A frame came in: from whom, if it is over one of these.
  std::optional<NodeId> on_heard(ConnectionId connection);
  /// It said go away: nothing new is sent over it, and its node is not reachable until it is lost.
  void on_go_away(ConnectionId connection);
  /// The transport lost a connection; take_lost() tells whose, if it was one of these.
  void on_closed(ConnectionId connection);
  /// The links lost or given up since the last call: nothing asked over them will be answered.
  [[nodiscard]] std::vector<Target> take_lost() { return std::exchange(lost_, {}); }

 private:
  struct Link {
    ConnectionId connection;  // 0 while waiting
    bool is_open = false;
    std::optional<Instant> leaves_by;  // it said go away
    std::uint32_t losses = 0;
    Instant retry_at;
    Instant heard_at;                      // at first: dialled at
    std::optional<Instant> unheard_since;  // of the first frame sent since heard_at
  };

  /// What is looked up for every frame, of one node of the view.
  struct Peer {
    NodeId node;
    bool is_alive = false;
    bool is_dead = true;  // or has left
    bool has_address = false;
    std::uint16_t shards = 0;
    std::vector<Link*> links;  // of links_; by shard, null where none was asked for
  };
  struct Dialled {
    Target target;
    Link* link = nullptr;
  };

  [[nodiscard]] const Peer* peer(NodeId node) const;
  Link& link(const Target& target);
  [[nodiscard]] static bool is_connected(const Peer& peer);
  [[nodiscard]] bool is_silent(const Link& link, bool dead) const;
  void give_up(const Target& target, Link& link);
  void lose(const Target& target, Link& link);

  const Clock& clock_;
  Random random_;
  MakeHello hello_;
  Transport* transport_ = nullptr;
  std::shared_ptr<const RingView> view_;
  std::map<Target, Link> links_;  // none is ever erased
  std::vector<Peer> peers_;       // of view_, in its order
  std::map<ConnectionId, Dialled> targets_;
  std::vector<Target> lost_;
};

}  // namespace coterie
