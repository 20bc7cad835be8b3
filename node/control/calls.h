#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/env/timers.h"
#include "base/env/transport.h"

namespace coterie {

/// Requests of the control loop to other nodes' gossip doors, each with one answer or an error. A
/// connection an address, dialled when needed, closed when idle.
class Calls {
 public:
  struct Reply {
    wire::FrameHeader header;
    BytesView body;  // valid during the call back only
    NodeId from;     // who answers at the address
  };
  using Done = std::move_only_function<void(Result<Reply>)>;
  /// The frame of a request under the id it is given.
  using MakeFrame = std::function<Bytes(std::uint64_t request_id)>;
  using MakeHello = std::function<wire::Hello()>;

  Calls(Timers& timers, MakeHello hello) : timers_(timers), hello_(std::move(hello)) {}
  ~Calls();
  void attach(Transport& transport) { transport_ = &transport; }

  /// `done` is called once, never from within this call: with the reply (an error frame comes as an
  /// Error), or unavailable after `timeout` or when the connection is lost.
  void call(const Address& to, const MakeFrame& make, Duration timeout, Done done);

  /// Who the other side is.
  void on_open(ConnectionId connection, NodeId theirs);
  /// What the transport says; false if the connection or the reply is none of ours.
  bool on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body);
  bool on_closed(ConnectionId connection, const Error& why);

 private:
  struct Pending {
    ConnectionId connection;
    TimerId timer;
    Done done;
  };
  struct Link {
    ConnectionId connection;
    NodeId node;  // zero before it has said hello
    std::size_t waiting = 0;
    TimerId idle;
  };

  Link& link_to(const Address& to);
  void finish(std::uint64_t request_id, Result<Reply> reply);
  void now_idle(ConnectionId connection);

  Timers& timers_;
  MakeHello hello_;
  Transport* transport_ = nullptr;
  std::uint64_t next_request_ = 1;
  std::map<std::uint64_t, Pending> pending_;
  std::map<Address, Link> links_;
};

}  // namespace coterie
