#include "gossip/peer_clocks.h"

#include <doctest/doctest.h>

#include <chrono>

#include "base/limits.h"
#include "tests/unit/gossip/bench.h"

namespace limits = coterie::limits;
using coterie::Duration;
using coterie::Instant;
using namespace coterie::gossip;
using namespace coterie::gossip::test;
using namespace std::chrono_literals;

namespace {

/// Asks `node` and lets it answer.
struct Asker {
  PeerClocks clocks;
  std::uint32_t sequence = 0;

  void read(Instant asked, Duration round_trip, std::uint64_t wall_ms, std::uint64_t node = 1) {
    clocks.asked(asked, ++sequence, other_id(node));
    clocks.heard(asked + round_trip, sequence, other_id(node), wall_ms);
  }
  [[nodiscard]] ClockReading only(Instant now) const {
    const auto all = clocks.readings(now);
    REQUIRE(all.size() == 1);
    return all.front();
  }
};

}  // namespace

TEST_CASE("a clock was read between the ping and its answer") {
  Asker asker;
  asker.read(Instant{10s}, 20ms, 1'000'000);
  const auto reading = asker.only(Instant{10s} + 20ms);
  CHECK(reading.node == other_id(1));
  CHECK(reading.base == 1000s - 10s - 10ms);
  CHECK(reading.error == 10ms + 1ms);
}

TEST_CASE("answers to what was not asked, or asked of another, say nothing") {
  PeerClocks clocks;
  clocks.heard(Instant{}, 1, other_id(1), 1000);
  clocks.asked(Instant{}, 1, other_id(1));
  clocks.heard(Instant{}, 1, other_id(2), 1000);
  clocks.heard(Instant{}, 2, other_id(1), 1000);
  CHECK(clocks.readings(Instant{}).empty());
  clocks.heard(Instant{}, 1, other_id(1), 1000);
  CHECK(clocks.readings(Instant{}).size() == 1);
  // Answered once.
  clocks.heard(Instant{}, 1, other_id(1), 5000);
  CHECK(clocks.readings(Instant{}).front().base == 1s);
}

TEST_CASE("a ping that is sent again counts from the first time") {
  Asker asker;
  asker.clocks.asked(Instant{}, 1, other_id(1));
  asker.clocks.asked(Instant{80ms}, 1, other_id(1));
  asker.clocks.heard(Instant{100ms}, 1, other_id(1), 1000);
  CHECK(asker.only(Instant{100ms}).error == 50ms + 1ms);
}

TEST_CASE("a reading is taken up to the greatest error and no further") {
  const Duration longest = 2 * (Duration(limits::clock_error_most) - 1ms);
  Asker asker;
  asker.read(Instant{}, longest, 1000);
  CHECK(asker.clocks.readings(Instant{} + longest).size() == 1);
  Asker slower;
  slower.read(Instant{}, longest + 2us, 1000);
  CHECK(slower.clocks.readings(Instant{} + longest).empty());
}

TEST_CASE("no clock of a far future is believed, nor does it overflow") {
  Asker asker;
  asker.read(Instant{}, 1ms, 7'999'999'999'999);
  CHECK(asker.clocks.readings(Instant{}).size() == 1);
  for (const std::uint64_t wall : {std::uint64_t{8'000'000'000'000}, ~std::uint64_t{0}}) {
    Asker other;
    other.read(Instant{}, 1ms, wall);
    CHECK(other.clocks.readings(Instant{}).empty());
  }
}

TEST_CASE("of readings that agree the sharper is kept, and errors grow with age") {
  Asker asker;
  asker.read(Instant{}, 2ms, 1000);
  const auto sharp = asker.only(Instant{2ms});
  asker.read(Instant{1s}, 50ms, 2020);
  CHECK(asker.only(Instant{1050ms}).base == sharp.base);
  // 200 millionths: 2 ms in 10 s.
  CHECK(asker.only(Instant{2ms} + 10s).error == sharp.error + 2ms);
  asker.read(Instant{1s}, 1ms, 2000);
  CHECK(asker.only(Instant{1001ms}).error == 1500us);
}

TEST_CASE("a clock that was set is noticed, however sharp the reading before") {
  Asker asker;
  asker.read(Instant{}, 2ms, 1000);
  asker.read(Instant{1s}, 50ms, 3'602'025);
  CHECK(asker.only(Instant{1050ms}).base == 1h + 1s);
}

TEST_CASE("what was long not read says nothing any more, whether its node lives or not") {
  Asker asker;
  asker.read(Instant{}, 2ms, 1000);
  // 98 ms more at 200 millionths.
  CHECK(asker.clocks.readings(Instant{2ms} + 490s).size() == 1);
  CHECK(asker.clocks.readings(Instant{2ms} + 491s).empty());
}

TEST_CASE("the forgotten are forgotten here too; readings come by node id") {
  Asker asker;
  asker.read(Instant{}, 2ms, 1000, 2);
  asker.read(Instant{}, 2ms, 1000, 1);
  CHECK(asker.clocks.readings(Instant{}).front().node == other_id(1));
  const auto revision = asker.clocks.revision();
  asker.clocks.forget(other_id(1));
  CHECK(asker.clocks.revision() > revision);
  CHECK(asker.only(Instant{}).node == other_id(2));
}

TEST_CASE("pings without answers are bounded") {
  PeerClocks clocks;
  for (std::uint32_t i = 0; i < 1000; ++i) clocks.asked(Instant{}, i, other_id(1));
  clocks.heard(Instant{}, 0, other_id(1), 1000);
  CHECK(clocks.readings(Instant{}).empty());
  clocks.heard(Instant{}, 999, other_id(1), 1000);
  CHECK(clocks.readings(Instant{}).size() == 1);
}

TEST_CASE("an ack shows this node's clock; a newcomer is asked for his at once") {
  Bench bench;
  bench.hear({alive(1)});
  const auto pings = bench.sent<Ping>(other_address(1));
  REQUIRE(pings.size() == 1);
  bench.now += 4ms;
  bench.hear({Ack{.sequence = pings[0].sequence, .subject = other_id(1)},
              ClockShown{.sequence = pings[0].sequence, .wall_ms = 5000}});
  const auto readings = bench.gossip.clocks().readings(bench.now);
  REQUIRE(readings.size() == 1);
  CHECK(readings[0].error == 3ms);
  CHECK(readings[0].base == 5s - (bench.now.time_since_epoch() - 2ms));

  bench.hear({Ping{.sequence = 9, .target = self_id}});
  const auto shown = bench.sent<ClockShown>(other_address(1));
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].sequence == 9);
  CHECK(shown[0].wall_ms == static_cast<std::uint64_t>(bench.wall().time_since_epoch().count()));
}
