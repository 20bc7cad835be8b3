#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <sstream>
#include <string>

#include "tests/unit/gossip/experiments.h"

// The figures of DESIGN.md, section 6, on virtual time.

using coterie::Duration;
using namespace coterie::gossip::test;
using namespace std::chrono_literals;

namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::size_t scaled(std::size_t count) {
  const auto out = static_cast<std::size_t>(static_cast<double>(count) * test_scale());
  return out < 10 ? 10 : out;
}

Duration scaled(Duration duration) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(duration) *
                                              test_scale());
}

/// Many nodes take long to find each other before anything is measured.
std::size_t crowd() {
  return test_scale() < 1 ? 30 : 100;
}

void check_crashes(std::size_t nodes, std::size_t crashes, Duration median, Duration p99) {
  const auto times = crash_times(nodes, scaled(crashes), nodes);
  MESSAGE("n=", nodes, ", ", times.size(), " crashes: all know after ",
          seconds(percentile(times, 0.5)), " s at the median, ", seconds(percentile(times, 0.99)),
          " s at the p99, ", seconds(times.back()), " s at most");
  CHECK(percentile(times, 0.5) <= median);
  CHECK(percentile(times, 0.99) <= p99);
}

std::string words(const FalseAlarms& alarms) {
  std::ostringstream out;
  out << alarms.node_hours << " node-hours, " << alarms.suspicions << " suspicions, "
      << alarms.deaths << " false deaths seen, "
      << static_cast<double>(alarms.packets) / alarms.node_hours / 3600 << " packets/s a node";
  return out.str();
}

}  // namespace

TEST_CASE("all know of a crash in time") {
  check_crashes(3, 300, 2200ms, 3s);
  check_crashes(10, 300, 2200ms, 3s);
  check_crashes(30, 300, 2200ms, 3s);
  check_crashes(100, 200, 2200ms, 3s);
  if (test_scale() >= 1) check_crashes(200, 50, 2400ms, 3200ms);
}

TEST_CASE("a crash is noticed although packets get lost") {
  for (const double loss : {0.1, 0.3}) {
    const auto times = crash_times(30, scaled(100), 5, {.loss = loss});
    MESSAGE("n=30, loss ", loss, ": all know after ", seconds(percentile(times, 0.5)),
            " s at the median, ", seconds(percentile(times, 0.99)), " s at the p99");
    CHECK(percentile(times, 0.5) <= 3s);
    CHECK(percentile(times, 0.99) <= 10s);
  }
}

TEST_CASE("without loss nobody is even suspected") {
  const FalseAlarms alarms = watch_healthy(30, scaled(1h), 1, {});
  CHECK(alarms.suspicions == 0);
  CHECK(alarms.packets > 0);
}

TEST_CASE("no false dead in an hour at 10 % loss") {
  for (const std::size_t nodes : {3U, 10U, 30U}) {
    const FalseAlarms alarms = watch_healthy(nodes, scaled(1h), nodes, {.loss = 0.1});
    MESSAGE("n=", nodes, ", loss 10 %: ", words(alarms));
    CHECK(alarms.suspicions > 0);
    CHECK(alarms.deaths == 0);
  }
  const FalseAlarms many = watch_healthy(crowd(), scaled(10min), 4, {.loss = 0.1});
  MESSAGE("n=", crowd(), ", loss 10 %: ", words(many));
  CHECK(many.deaths == 0);
}

TEST_CASE("at most one false dead a node-hour at 30 % loss") {
  for (const std::size_t nodes : {3U, 10U, 30U}) {
    const FalseAlarms alarms = watch_healthy(nodes, scaled(20min), nodes, {.loss = 0.3});
    MESSAGE("n=", nodes, ", loss 30 %: ", words(alarms));
    CHECK(static_cast<double>(alarms.deaths) <= std::max(1.0, alarms.node_hours));
  }
  const FalseAlarms many = watch_healthy(crowd(), scaled(2min), 4, {.loss = 0.3});
  MESSAGE("n=", crowd(), ", loss 30 %: ", words(many));
  CHECK(static_cast<double>(many.deaths) <= std::max(1.0, many.node_hours));
}

TEST_CASE("one in a hundred is stalled, and no healthy one is taken for dead") {
  const Stalls patterns[] = {
      {.blocked = 16s, .open = 1ms, .spell = 64s},   {.blocked = 3s, .open = 50ms, .spell = 20s},
      {.blocked = 500ms, .open = 5ms, .spell = 20s}, {.blocked = 100ms, .open = 10ms, .spell = 20s},
      {.blocked = 45ms, .open = 1ms, .spell = 20s},  {.blocked = 1s, .open = 1s, .spell = 20s}};
  for (const Stalls& stalls : patterns) {
    if (test_scale() < 1 && stalls.blocked > 3s) continue;
    const FalseAlarms alarms = watch_stalls(crowd(), scaled(10min), 3, stalls);
    MESSAGE("n=", crowd(), ", stalls of ", seconds(stalls.blocked), " s: ", words(alarms));
    CHECK(alarms.deaths == 0);
    if (stalls.blocked >= 3s) CHECK(alarms.excused > 0);
  }
  CHECK(watch_stalls(10, scaled(10min), 4, patterns[1]).deaths == 0);
}

TEST_CASE("one in a hundred hears nothing, and no healthy one is taken for dead by others") {
  const FalseAlarms alarms = watch_deaf(100, scaled(10min), 5, 20s);
  MESSAGE("n=100, deaf for 20 s: ", words(alarms));
  CHECK(alarms.suspicions > 0);
  CHECK(alarms.deaths == 0);
}

TEST_CASE("the experiment sees false alarms where there are some") {
  coterie::gossip::Settings hasty;
  hasty.suspicion_least = 200ms;
  hasty.suspicion_factor = 0;
  hasty.confirmations = 0;
  hasty.last_words = 0ms;
  CHECK(watch_healthy(30, 1min, 6, {.loss = 0.3}, hasty).deaths > 100);
}
