#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/env/transport.h"
#include "base/random.h"
#include "client/results.h"
#include "client/ring.h"

namespace coterie::client {

/// Keeps the ring current over one connection of its own: to a seed at first, then to any node of
/// the ring; where one does not answer, the next is tried.
class RingSource {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Counters& counters;
  };
  struct Events {
    std::function<void(const Ring& before)> on_ring;
    /// Every address was tried in vain; it goes on trying, with pauses.
    std::function<void(const Error& why)> on_unreachable;
  };

  RingSource(const Environment& environment, std::vector<Address> seeds, Duration refresh,
             Random random, Events events);
  RingSource(const RingSource&) = delete;
  RingSource& operator=(const RingSource&) = delete;
  ~RingSource();

  /// Begins to work.
  void attach(Transport& transport);
  void stop();
  /// Asks again now, unless it is asking already.
  void refresh();

  [[nodiscard]] bool is_known() const { return ring_.epoch != nullptr; }
  [[nodiscard]] const Ring& ring() const { return ring_; }

  // True: the connection is this one's and needs no one else.
  bool on_open(ConnectionId connection);
  bool on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body);
  bool on_closed(ConnectionId connection, const Error& why);

 private:
  enum class State : std::uint8_t { idle, dialling, asking, resting };

  void begin_round();
  void dial_next();
  void ask();
  void take(BytesView body);
  void try_next(const std::string& why);
  void end_round();
  void arm(Duration after, void (RingSource::*call)());
  void on_silence();
  void on_rested();
  void hang_up();
  void part();

  Environment env_;
  std::vector<Address> seeds_;
  Duration refresh_;
  Random random_;
  Events events_;
  Transport* transport_ = nullptr;

  Ring ring_;
  State state_ = State::idle;
  ConnectionId connection_;
  bool is_open_ = false;
  bool is_leaving_ = false;  // the node said go away
  std::uint64_t request_id_ = 0;
  TimerId timer_;
  std::vector<Address> untried_;  // of this round, last first
  std::optional<Address> address_;
  std::vector<std::string> failures_;  // of this round
  std::uint32_t rounds_failed_ = 0;
};

}  // namespace coterie::client
