#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "bench/key_space.h"
#include "bench/protocol.h"
#include "bench/session.h"

namespace coterie::bench {

/// Servers of another system, asked over plain sockets.
struct WireTarget {
  /// One, or what a route chooses from. IPv4.
  std::vector<Address> servers;
  MakeProtocol make_protocol;
  /// Which server has a key; empty: session i asks server i modulo their number.
  std::function<std::size_t(std::string_view key)> route;
  std::chrono::milliseconds deadline{5000};
};

/// For reads, updates and inserts. Each has a connection to every server that it may ask. A
/// connection that breaks, or an answer that is late, ends its session: what it waited for fails.
/// `space` outlives the sessions.
[[nodiscard]] MakeSession wire_sessions(WireTarget target, KeySpace& space);

}  // namespace coterie::bench
