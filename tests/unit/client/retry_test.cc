#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "client/retry_budget.h"
#include "client/retry_rules.h"
#include "tests/unit/client/fake_cluster.h"

using namespace coterie;
using namespace coterie::client_tests;
using namespace std::chrono_literals;
using client::NextTry;

namespace {

constexpr std::uint8_t last_code = 20;

/// Fails the first requests so, then answers.
void fail_first(Bench& bench, std::size_t times, const Answer& how) {
  bench.cluster.answer = [&bench, times, how](const Request& request) {
    if (bench.cluster.requests.size() <= times) return how;
    return request.header.kind == wire::Kind::put
               ? Answer::of(wire::PutReply{.context = "c", .siblings = 1})
               : Answer::of(wire::GetReply{});
  };
}

}  // namespace

TEST_CASE("the rules, code by code") {
  for (std::uint8_t number = 1; number <= last_code; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    CAPTURE(name(code));
    const bool may_help = retryable(code);
    const bool is_definite = executed(code) == Executed::no;
    // A read has no effect.
    CHECK(client::next_try(false, false, {code, true}) ==
          (may_help ? NextTry::anywhere : NextTry::none));
    // A write of which nothing was executed so far.
    const auto write = client::next_try(true, false, {code, true});
    if (!may_help) CHECK(write == NextTry::none);
    if (may_help && is_definite) CHECK(write == NextTry::anywhere);
    if (may_help && !is_definite) CHECK(write == NextTry::same_node);
    // Once in doubt, never elsewhere, whatever is said later.
    CHECK(client::next_try(true, true, {code, true}) ==
          (may_help ? NextTry::same_node : NextTry::none));
    CHECK(client::next_try(true, true, {code, false}) == NextTry::none);
    // What was not sent was not executed.
    CHECK(client::next_try(true, false, {code, false}) == NextTry::anywhere);
    CHECK_FALSE(client::leaves_in_doubt({code, false}));
    CHECK(client::leaves_in_doubt({code, true}) == !is_definite);
  }
}

TEST_CASE("a put and a get, refused once with each code") {
  for (std::uint8_t number = 1; number <= last_code; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    CAPTURE(name(code));
    for (const bool is_put : {true, false}) {
      Bench bench;
      REQUIRE(bench.ready());
      fail_first(bench, 1, Answer::error(code));
      bool is_good = false;
      Error error;
      if (is_put) {
        auto result = bench.put("k", "v");
        is_good = result.has_value();
        if (!is_good) error = result.error();
      } else {
        auto result = bench.get("k");
        is_good = result.has_value();
        if (!is_good) error = result.error();
      }
      const auto& requests = bench.cluster.requests;
      CHECK(is_good == retryable(code));
      CHECK(requests.size() == (retryable(code) ? 2U : 1U));
      if (is_good && is_put) {
        CHECK(requests[0].put().id == requests[1].put().id);
        CHECK((requests[0].node == requests[1].node) == (executed(code) == Executed::unknown));
      }
      if (is_good && !is_put) CHECK(requests[0].node != requests[1].node);
      if (!is_good) CHECK(client::in_doubt(error) == (executed(code) == Executed::unknown));
    }
  }
}

TEST_CASE("a put that was on a lost connection is tried again at the same node, or is in doubt") {
  Bench bench;
  REQUIRE(bench.ready());
  SUBCASE("the node is still there") {
    fail_first(bench, 1, Answer::hang_up());
    CHECK(bench.put("k", "v"));
    REQUIRE(bench.cluster.requests.size() == 2);
    CHECK(bench.cluster.requests[0].node == bench.cluster.requests[1].node);
    CHECK(bench.cluster.requests[0].put().id == bench.cluster.requests[1].put().id);
  }
  SUBCASE("it has restarted: its table is empty") {
    bench.cluster.answer = [&](const Request& request) {
      bench.cluster.runs[request.node].value += 100;
      return Answer::hang_up();
    };
    const auto result = bench.put("k", "v");
    CHECK(result.error().code == ErrorCode::unknown_outcome);
    CHECK(bench.cluster.requests.size() == 1);
  }
  SUBCASE("it has gone") {
    bench.cluster.answer = [&](const Request& request) {
      bench.cluster.is_up[request.node] = false;
      return Answer::hang_up();
    };
    const Instant begun = bench.time.now();
    const auto result = bench.put("k", "v");
    CHECK(result.error().code == ErrorCode::unknown_outcome);
    CHECK(client::in_doubt(result.error()));
    CHECK(bench.cluster.requests.size() == 1);
    CHECK(bench.time.now() - begun < 1s);  // no use in waiting for the deadline
    CHECK(bench.core.counters().in_doubt == 1);
  }
}

TEST_CASE("a put in doubt stays so, even if a later try is definitely refused") {
  Bench bench;
  REQUIRE(bench.ready());
  bench.cluster.answer = [&](const Request&) {
    return bench.cluster.requests.size() == 1 ? Answer::error(ErrorCode::unknown_outcome)
                                              : Answer::error(ErrorCode::unavailable);
  };
  const auto result = bench.put("k", "v");
  CHECK(result.error().code == ErrorCode::unknown_outcome);
  std::set<std::size_t> asked;
  for (const auto& request : bench.cluster.requests) asked.insert(request.node);
  CHECK(asked.size() == 1);
  CHECK(bench.cluster.requests.size() == client::RetryOptions().attempts);
}

TEST_CASE("a put that was never sent is tried elsewhere at once, and never in doubt") {
  Bench bench;
  REQUIRE(bench.ready());
  SUBCASE("one owner cannot be dialled") {
    bench.cluster.is_up[bench.owners("k")[0]] = false;
    for (int i = 0; i < 10; ++i) CHECK(bench.put("k", "v"));
    CHECK(bench.core.counters().retries == 0);  // nothing was sent: no load, no budget
  }
  SUBCASE("none can") {
    bench.cluster.is_up = {false, false, false};
    const auto result = bench.put("k", "v");
    CHECK(result.error().code == ErrorCode::unavailable);
    CHECK_FALSE(client::in_doubt(result.error()));
    CHECK(result.error().message.find("refused") != std::string::npos);
  }
}

TEST_CASE("what an owner said is told, though the others could not be dialled after it") {
  Bench bench;
  REQUIRE(bench.ready());
  const auto owners = bench.owners("k");
  for (std::size_t i = 1; i < owners.size(); ++i) bench.cluster.is_up[owners[i]] = false;
  bench.cluster.answer = [](const Request&) { return Answer::error(ErrorCode::unavailable); };
  for (const bool is_put : {true, false}) {
    const Error error = is_put ? bench.put("k", "v").error() : bench.get("k").error();
    CHECK(error.code == ErrorCode::unavailable);
    CHECK(error.message.starts_with("said by the test"));
  }
  // a connection that was lost under a write matters more than what an owner said before
  bench.cluster.answer = [&](const Request& request) {
    if (request.node == owners[0] && bench.cluster.requests.size() == 1) {
      for (std::size_t i = 1; i < owners.size(); ++i) bench.cluster.is_up[owners[i]] = true;
      return Answer::error(ErrorCode::unavailable);
    }
    bench.cluster.is_up[request.node] = false;
    return Answer::hang_up();
  };
  bench.cluster.requests.clear();
  const Error lost = bench.put("k", "v").error();
  CHECK(lost.code == ErrorCode::unknown_outcome);
  CHECK(lost.message.find("said by the test") == std::string::npos);
}

TEST_CASE("a server's pause is kept") {
  Bench bench;
  REQUIRE(bench.ready());
  fail_first(bench, 1, Answer::error(ErrorCode::overloaded, 700));
  const Instant begun = bench.time.now();
  CHECK(bench.put("k", "v"));
  CHECK(bench.time.now() - begun >= 700ms);
  CHECK(bench.time.now() - begun < 900ms);
}

TEST_CASE("retries are bounded, spread over owners and paced") {
  Bench bench;
  REQUIRE(bench.ready());
  std::vector<Instant> when;
  bench.cluster.answer = [&](const Request&) {
    when.push_back(bench.time.now());
    return Answer::error(ErrorCode::unavailable);
  };
  CHECK(bench.get("k").error().code == ErrorCode::unavailable);
  REQUIRE(when.size() == 6);
  std::set<std::size_t> asked;
  for (const auto& request : bench.cluster.requests) asked.insert(request.node);
  CHECK(asked.size() == 2);
  for (std::size_t i = 2; i < when.size(); ++i) {
    const Duration whole = 10ms * (1 << (i - 1));
    CHECK(when[i] - when[i - 1] >= whole / 2);
    CHECK(when[i] - when[i - 1] <= whole + 1ms);
  }
}

TEST_CASE("a read that one owner refuses is asked of another") {
  Bench bench;
  REQUIRE(bench.ready());
  for (int i = 0; i < 40; ++i) {
    bench.cluster.requests.clear();
    fail_first(bench, 1, Answer::error(ErrorCode::unavailable));
    CHECK(bench.get("k" + std::to_string(i)));
    REQUIRE(bench.cluster.requests.size() == 2);
    CHECK(bench.cluster.requests[0].node != bench.cluster.requests[1].node);
  }
}

TEST_CASE("a budget keeps retries to a tenth of the calls") {
  client::RetryBudget budget(0.1, 5);
  for (int i = 0; i < 5; ++i) CHECK(budget.take());
  CHECK_FALSE(budget.take());
  for (int i = 0; i < 11; ++i) budget.on_call();
  CHECK(budget.take());
  CHECK_FALSE(budget.take());
  for (int i = 0; i < 1000; ++i) budget.on_call();
  CHECK(budget.tokens() == doctest::Approx(5));

  Bench bench;
  REQUIRE(bench.ready());
  bench.cluster.answer = [](const Request&) { return Answer::error(ErrorCode::unavailable); };
  constexpr std::size_t calls = 2000;
  for (std::size_t i = 0; i < calls; ++i) CHECK_FALSE(bench.get("k"));
  const auto& counters = bench.core.counters();
  CHECK(counters.retries <= 100 + calls / 10);
  CHECK(counters.retries >= 100);
  CHECK(counters.retries_denied > 1500);
  CHECK(bench.cluster.requests.size() == calls + counters.retries);
}

TEST_CASE("an answer that cannot be read is a failed try, and leaves a write in doubt") {
  Bench bench;
  REQUIRE(bench.ready());
  const auto wrong_kind = Answer::of(wire::ScanReply{});
  fail_first(bench, 1, wrong_kind);
  CHECK(bench.get("k"));
  CHECK(bench.core.counters().replies_malformed == 1);
  bench.cluster.requests.clear();
  bench.cluster.answer = [&](const Request&) { return Answer(wrong_kind); };
  CHECK(bench.put("k", "v").error().code == ErrorCode::unknown_outcome);
}
