#pragma once

#include <doctest/doctest.h>

#include <memory>

#include "base/wire/codec.h"
#include "node/control/control.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/world.h"
#include "tests/unit/node/hand_time.h"
#include "tests/unit/node/noting_transport.h"
#include "tests/unit/node/samples.h"

namespace coterie {

class NoDatagrams final : public Datagrams {
 public:
  void send(const Address& /*to*/, BytesView /*packet*/) override {}
};

/// Node 1 of the sample epoch; nobody answers it.
struct ControlWorld {
  sim::SimWorld sim{1};
  sim::NodeIndex node = sim.add_node();
  sim::SimFileSystem disk{sim, node};
  HandClock clock;
  HandTimers timers{clock};
  NoLog log;
  NoDatagrams datagrams;
  NotingTransport transport;

  [[nodiscard]] std::unique_ptr<Control> control(bool has_data = false) {
    auto out = std::make_unique<Control>(
        Control::Environment{.clock = clock, .timers = timers, .files = disk, .log = log},
        Control::Options{.config = sample_config(0),
                         .identity = {.node = node_id(1), .shards = 1, .incarnation = 1},
                         .run = RunId{9},
                         .build = "test",
                         .gossip = {},
                         .has_data = has_data,
                         .witnesses = 0},
        Random(1), [](const auto&) {});
    REQUIRE(out->open());
    return out;
  }
  /// What it answers at the gossip door.
  template <class Message>
  Bytes ask(Control& control, const Message& message) {
    const Bytes frame = wire::encode(message, {.request_id = 7});
    const Bytes body = frame.substr(wire::header_bytes);
    control.on_frame(ConnectionId{1}, *wire::decode_header(frame), body);
    return transport.sent_to(ConnectionId{1}).back().substr(wire::header_bytes);
  }
  void keep_epoch(std::shared_ptr<const Epoch> epoch = sample_epoch()) {
    EpochLog epochs(disk);
    REQUIRE(epochs.open());
    REQUIRE(epochs.add(std::move(epoch)));
  }
};

}  // namespace coterie
