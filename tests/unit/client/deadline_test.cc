#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/client/fake_cluster.h"

namespace coterie::deadline_test {

using namespace coterie::client_tests;
using namespace std::chrono_literals;

TEST_CASE("a deadline holds although nobody answers") {
  Bench bench;
  REQUIRE(bench.ready());
  bench.cluster.answer = [](const Request&) { return Answer::silence(); };
  const Instant begun = bench.time.now();
  SUBCASE("a get has expired") {
    const auto result = bench.get("k", {.deadline = 500ms});
    CHECK(result.error().code == ErrorCode::expired);
    CHECK(bench.time.now() - begun == 500ms);
  }
  SUBCASE("a put is in doubt") {
    const auto result = bench.put("k", "v", {.deadline = 500ms});
    CHECK(result.error().code == ErrorCode::unknown_outcome);
    CHECK(bench.time.now() - begun == 500ms);
    CHECK(bench.cluster.requests.size() == 1);
  }
  CHECK(bench.core.counters().deadlines_passed == 1);
  CHECK(bench.core.pending() == 0);
}

TEST_CASE("a put that could not leave in time was not executed") {
  Bench bench;
  REQUIRE(bench.ready());
  bench.cluster.is_deaf = {true, true, true};  // connections are made, hellos never come
  const auto result = bench.put("k", "v", {.deadline = 300ms});
  CHECK(result.error().code == ErrorCode::expired);
  CHECK_FALSE(client::in_doubt(result.error()));
  CHECK(bench.cluster.requests.empty());
}

TEST_CASE("the node is told a little less, so that its own answer arrives") {
  Bench bench;
  REQUIRE(bench.ready());
  REQUIRE(bench.get("k", {.deadline = 2000ms}));
  CHECK(bench.cluster.requests.back().header.deadline_ms <= 1900);
  CHECK(bench.cluster.requests.back().header.deadline_ms >= 1890);
  REQUIRE(bench.get("k", {.deadline = 10ms}));
  CHECK(bench.cluster.requests.back().header.deadline_ms == 9);
}

TEST_CASE("a read that hangs is asked of another owner; its late answer is dropped") {
  Bench bench;
  REQUIRE(bench.ready());
  std::optional<std::size_t> hung;
  bench.cluster.answer = [&](const Request& request) {
    if (!hung) hung = request.node;
    return request.node == *hung ? Answer::silence()
                                 : Answer::of(wire::GetReply{.context = "c", .siblings = {}});
  };
  const Instant begun = bench.time.now();
  const auto result = bench.get("k");
  REQUIRE(result);
  CHECK(result->context.bytes() == "c");
  CHECK(bench.cluster.requests.size() == 2);
  CHECK(bench.time.now() - begun >= client::Options{}.retry.read_attempt);
  CHECK(bench.time.now() - begun < client::Options{}.retry.read_attempt + 100ms);
}

TEST_CASE("reads that hang and may not be tried again wait for their answers") {
  client::Options options;
  options.retry.budget_burst = 5;
  options.retry.budget_ratio = 0;
  Bench bench(options);
  REQUIRE(bench.ready());
  std::vector<Request> held;
  bench.cluster.answer = [&](const Request& request) {
    held.push_back(request);
    return Answer::silence();
  };
  std::size_t answered = 0;
  std::size_t failed = 0;
  for (int i = 0; i < 100; ++i) {
    bench.core.get(key_of("k" + std::to_string(i)), {.deadline = 5s},
                   [&](const auto& result) { ++(result ? answered : failed); });
  }
  bench.time.pass(options.retry.read_attempt + 1s);
  CHECK(failed == 0);
  CHECK(bench.core.counters().retries == 5);
  CHECK(held.size() == 105);
  for (const auto& request : held) {
    bench.cluster.say(request.node, wire::encode(wire::GetReply{.context = "c", .siblings = {}},
                                                 {.request_id = request.header.request_id}));
  }
  bench.time.pass(10ms);
  CHECK(answered == 100);
  CHECK(bench.core.pending() == 0);
}

TEST_CASE("close fails everything before it returns, and what is started then") {
  std::vector<ErrorCode> codes;
  bool was_nested_called = false;
  {
    Bench bench;
    bench.cluster.answer = [](const Request&) { return Answer::silence(); };
    const auto note = [&codes](const auto& result) { codes.push_back(result.error().code); };
    bench.core.get(key_of("sent"), {}, note);
    bench.core.write(client::Write::put_blind(key_of("sent"), "v"), {}, note);
    bench.time.pass(10ms);
    CHECK(bench.cluster.requests.size() == 2);
    bench.core.get(key_of("not yet"), {}, [&](auto result) {
      note(result);
      bench.core.get(key_of("nested"), {}, [&](auto nested) {
        was_nested_called = true;
        note(nested);
      });
    });
    bench.core.when_ready([](const auto& ring) { CHECK_FALSE(ring); });
    CHECK(codes.empty());
    bench.core.close();
    CHECK(codes.size() == 4);
    CHECK(was_nested_called);
    CHECK(bench.cluster.open_connections() == 0);
    bench.time.pass(1h);
    CHECK(codes.size() == 4);
  }
  for (const auto code : codes) CHECK(code == ErrorCode::closed);
}

}  // namespace coterie::deadline_test
