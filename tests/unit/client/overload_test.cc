#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "client/window.h"
#include "tests/unit/client/fake_cluster.h"

namespace coterie::overload_test {

using namespace coterie::client_tests;
using namespace std::chrono_literals;

namespace {

/// Each node takes so many requests a millisecond, and refuses what comes beyond.
struct Capacity {
  double a_millisecond = 50;
  double burst = 100;
  std::array<double, FakeCluster::nodes> tokens{100, 100, 100};
  std::array<Instant, FakeCluster::nodes> filled{};
  std::size_t refused = 0;

  bool take(std::size_t node, Instant now) {
    const double passed = std::chrono::duration<double, std::milli>(now - filled[node]).count();
    filled[node] = now;
    tokens[node] = std::min(burst, tokens[node] + passed * a_millisecond);
    if (tokens[node] < 1) {
      ++refused;
      return false;
    }
    tokens[node] -= 1;
    return true;
  }
};

}  // namespace

TEST_CASE("a batch that is more than the nodes take at once is slowed down, not failed") {
  client::Options options;
  options.deadline = 10s;
  Bench bench(options);
  REQUIRE(bench.ready());
  Capacity capacity;
  bench.cluster.answer = [&](const Request& request) {
    return capacity.take(request.node, bench.time.now())
               ? Answer::of(wire::GetReply{})
               : Answer::error(ErrorCode::overloaded, 100);
  };
  constexpr std::size_t calls = 20000;
  std::size_t next = 0;
  std::size_t ended = 0;
  std::size_t failed = 0;
  std::function<void()> start = [&] {
    bench.core.get(key_of("k" + std::to_string(next++)), {}, [&](const auto& result) {
      ++ended;
      if (!result) ++failed;
      if (next < calls) start();
    });
  };
  while (next < 1000) start();
  bench.time.run_until([&] { return ended == calls; });
  CHECK(failed == 0);
  CHECK(capacity.refused > 0);
  CHECK(capacity.refused < calls / 5);
  CHECK(bench.core.counters().refused == capacity.refused);
  CHECK(bench.core.counters().retries_denied == 0);
}

TEST_CASE("what a node refuses all the time fails with its refusal, after the last try") {
  Bench bench;
  REQUIRE(bench.ready());
  bench.cluster.answer = [](const Request&) { return Answer::error(ErrorCode::overloaded, 50); };
  for (int i = 0; i < 200; ++i) {
    bench.cluster.requests.clear();
    const auto result = bench.get("k");
    CHECK(result.error().code == ErrorCode::overloaded);
    CHECK(bench.cluster.requests.size() == client::RetryOptions().attempts);
  }
}

TEST_CASE("a window halves once a pause, and grows with the answers") {
  client::Window window(1000);
  CHECK(window.size() == 1000);
  const Instant now{};
  window.on_refusal(300, now, 100ms);
  CHECK(window.size() == 150);  // of what was under way, not of what might have been
  window.on_refusal(299, now + 99ms, 100ms);
  CHECK(window.size() == 150);
  window.on_refusal(140, now + 100ms, 100ms);
  CHECK(window.size() == 70);
  for (int i = 0; i < 70; ++i) window.on_answer();
  CHECK(window.size() == 74);  // a sixteenth a window
  for (int i = 0; i < 100000; ++i) window.on_answer();
  CHECK(window.size() == 1000);
}

TEST_CASE("a window is never empty") {
  client::Window window(8);
  Instant now{};
  for (int i = 0; i < 10; ++i) window.on_refusal(1, now += 1s, 100ms);
  CHECK(window.size() == 1);
  window.on_answer();
  CHECK(window.size() >= 1);
  for (int i = 0; i < 200; ++i) window.on_answer();
  CHECK(window.size() == 8);
}

}  // namespace coterie::overload_test
