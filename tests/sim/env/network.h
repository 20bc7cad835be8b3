#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"
#include "tests/sim/env/world.h"

namespace coterie::sim {

/// One side of a connection: 0 dialled, 1 accepted.
struct WireEnd {
  std::uint64_t wire = 0;
  unsigned side = 0;

  [[nodiscard]] WireEnd other() const { return {wire, 1 - side}; }
};

/// Whoever holds a wire's end. Called from the world's events only.
class WireUser {
 public:
  virtual ~WireUser() = default;
  virtual void on_connected(WireEnd end) = 0;
  virtual void on_bytes(WireEnd end, Bytes bytes) = 0;
  /// The end is gone.
  virtual void on_lost(WireEnd end, const Error& why) = 0;
};

class DoorUser {
 public:
  virtual ~DoorUser() = default;
  /// Somebody connects; the door takes the end or leaves it, which refuses.
  virtual void on_knock(WireEnd end) = 0;
};

class PacketUser {
 public:
  virtual ~PacketUser() = default;
  virtual void on_packet(const Address& from, BytesView packet) = 0;
};

/// The wires between the nodes of a world: streams of whole writes, and packets. What goes wrong on
/// them is the world's LinkFaults. SimTransport, SimListener and SimDatagrams are its users.
class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world);
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;
  ~SimNetwork();

  [[nodiscard]] SimWorld& world() { return world_; }
  /// The host part of a node's addresses.
  [[nodiscard]] static std::string host(NodeIndex node);

  /// Free `address` if it has port 0. Errors: as UvListener::listen.
  [[nodiscard]] Result<Address> open_door(Life life, Address address, DoorUser& user);
  void close_door(const Address& address, const DoorUser& user);
  [[nodiscard]] Result<Address> open_packets(Life life, Address address, PacketUser& user);
  void close_packets(const Address& address, const PacketUser& user);
  void send_packet(const Address& from, const Address& to, Life life, BytesView packet);

  /// on_connected or on_lost follows; neither if the way there is blocked for good.
  [[nodiscard]] WireEnd dial(Life life, const Address& to, WireUser& user);
  /// Who is called for this end from now on; nobody: what arrives is kept for the next. False: the
  /// end is gone.
  bool hold(WireEnd end, WireUser* user);
  void write(WireEnd end, Bytes bytes);
  /// Stops and resumes what arrives at this end.
  void pause(WireEnd end, bool paused);
  /// Written at this end and not yet taken by the other.
  [[nodiscard]] std::size_t unread_bytes(WireEnd end) const;
  /// Closes; what was written still arrives.
  void shut(WireEnd end);
  /// The other side's address.
  [[nodiscard]] Address peer(WireEnd end) const;

 private:
  struct End {
    Life life;
    Address address;
    WireUser* user = nullptr;
    bool is_open = true;
    bool is_paused = false;
    std::deque<Bytes> arrived;  // not taken yet; an empty one is the end of the stream
  };
  /// From one end to the other, in order. An empty item is the end of the stream.
  struct Pipe {
    struct Item {
      Instant due;
      Bytes bytes;
    };
    std::deque<Item> items;
    bool is_moving = false;
    bool has_delivered = false;
    Instant blocked_since = Instant::max();
    std::size_t unread_bytes = 0;
  };
  struct Wire {
    End ends[2];
    Pipe pipes[2];  // by the writing end
    bool is_broken = false;
  };
  struct Door {
    Life life;
    DoorUser* user = nullptr;
  };
  struct PacketSocket {
    Life life;
    PacketUser* user = nullptr;
  };

  void knock(WireEnd dialler, const Address& to, Instant since);
  void move(WireEnd from);
  void carry(WireEnd from);
  void carry_loose(WireEnd from, Bytes bytes);
  void arrive(WireEnd at, Bytes bytes);
  void take(WireEnd at);
  void break_wire(std::uint64_t wire, const std::string& why);
  void lose_later(WireEnd end, Duration after, Error why);
  void lose(WireEnd end, const Error& why);
  void forget_if_over(std::uint64_t wire);
  void crash(NodeIndex node);
  [[nodiscard]] const LinkFaults& link_from(const Wire& wire, unsigned side) const;
  [[nodiscard]] Duration delay(const LinkFaults& link);
  [[nodiscard]] Wire* find(std::uint64_t wire);
  [[nodiscard]] NodeIndex node_at(const Address& address) const;

  SimWorld& world_;
  Random random_;
  std::uint64_t observer_;
  std::map<std::uint64_t, Wire> wires_;
  std::uint64_t last_wire_ = 0;
  std::map<Address, Door> doors_;
  std::map<Address, PacketSocket> packets_;
  std::uint16_t last_port_ = 10000;
};

}  // namespace coterie::sim
