#pragma once

#include "base/address.h"
#include "base/bytes.h"

namespace coterie {

class DatagramHandler {
 public:
  virtual ~DatagramHandler() = default;
  /// `packet` is valid during the call only; `from` is what the packet claims, verified by nobody.
  virtual void on_datagram(const Address& from, BytesView packet) = 0;
};

/// Packets that may be lost, late, doubled or reordered; gossip's way. On the loop's thread.
class Datagrams {
 public:
  virtual ~Datagrams() = default;
  /// Best effort; nothing is reported.
  virtual void send(const Address& to, BytesView packet) = 0;
};

}  // namespace coterie
