#include "client/client.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/client/loopback_server.h"

namespace coterie::client_test {

using namespace coterie::client_tests;
using namespace std::chrono_literals;
using client::Client;

namespace {

client::Options options_for(const LoopbackServer& server, bool background_thread) {
  return {.seeds = {server.seed()}, .background_thread = background_thread};
}

client::Key key_of(const std::string& key) {
  return {.partition_key = key};
}

}  // namespace

TEST_CASE("options that are wrong are refused in words") {
  const auto code = [](const client::Options& options) {
    const auto client = Client::connect(options);
    return client ? ErrorCode::internal : client.error().code;
  };
  CHECK(code({.seeds = {}}) == ErrorCode::invalid_argument);
  CHECK(code({.seeds = {"no port"}}) == ErrorCode::invalid_argument);
  CHECK(code({.seeds = std::vector<std::string>(limits::client_seeds + 1, "127.0.0.1:1")}) ==
        ErrorCode::invalid_argument);
  CHECK(code({.deadline = 0ms}) == ErrorCode::invalid_argument);
  CHECK(code({.deadline = 61s}) == ErrorCode::invalid_argument);
  CHECK(code({.in_flight = 0}) == ErrorCode::invalid_argument);
  CHECK(code({.retry = {.attempts = 0}}) == ErrorCode::invalid_argument);
  CHECK(code({.retry = {.backoff_least = 2s, .backoff_most = 1s}}) == ErrorCode::invalid_argument);
}

TEST_CASE("blocking calls, with and without a thread") {
  LoopbackServer server;
  for (const bool background : {false, true}) {
    CAPTURE(background);
    auto client = Client::connect(options_for(server, background));
    REQUIRE(client);
    const auto key = key_of(background ? "b" : "a");
    auto read = client->get(key);
    REQUIRE(read);
    CHECK_FALSE(read->is_found());
    CHECK(client->put_blind(key, "one"));
    CHECK(client->put_blind(key, "two")->siblings == 2);
    read = client->get(key);
    CHECK(read->siblings.size() == 2);
    CHECK(client->put(key, "three", read->context)->siblings == 1);
    CHECK(*client->get(key)->value() == "three");
    CHECK(client->remove(key, read->context));
    CHECK_FALSE(client->get(key)->is_found());
    CHECK(client->partitions() == 16);
    CHECK(client->buckets() == std::vector<std::string>{"default"});
    CHECK(client->counters().succeeded == 8);
    CHECK(client->pending() == 0);
    client->run_until_idle();
    CHECK(client->get_many({}).empty());
    std::vector<client::Write> writes;
    for (int i = 0; i < 100; ++i) {
      writes.push_back(client::Write::put_blind(key_of("m" + std::to_string(i)), "v"));
    }
    for (const auto& result : client->write_many(std::move(writes))) CHECK(result);
  }
}

TEST_CASE("callbacks run within poll, and may start calls but not wait for them") {
  LoopbackServer server;
  auto client = Client::connect(options_for(server, false));
  REQUIRE(client);
  int ended = 0;
  client->get(key_of("k"), {}, [&](auto result) {
    CHECK(result);
    ++ended;
    CHECK(client->get(key_of("k")).error().code == ErrorCode::refused);
    client->poll(1s);
    client->write(client::Write::put_blind(key_of("k"), "v"), {}, [&](auto written) {
      CHECK(written);
      ++ended;
    });
  });
  CHECK(ended == 0);
  CHECK(client->pending() == 1);
  while (ended < 2) client->poll(1s);
  CHECK(client->pending() == 0);
}

TEST_CASE("many threads share a client that has a thread") {
  LoopbackServer server;
  auto client = Client::connect(options_for(server, true));
  REQUIRE(client);
  std::atomic<int> good = 0;
  std::atomic<int> called = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const auto key = key_of(std::to_string(t) + "." + std::to_string(i));
        if (client->put_blind(key, "v") && client->get(key)->is_found()) ++good;
        client->get(key, {}, [&called](const auto& result) { called += result ? 1 : 0; });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  client->run_until_idle();
  CHECK(good == 400);
  CHECK(called == 400);
}

TEST_CASE("the destructor ends all calls, whose callbacks run before it returns") {
  LoopbackServer server;
  for (const bool background : {false, true}) {
    CAPTURE(background);
    std::atomic<int> closed = 0;
    {
      LoopbackServer silent;
      auto client = Client::connect(options_for(silent, background));
      REQUIRE(client);
      silent.fall_silent();
      for (int i = 0; i < 50; ++i) {
        client->get(key_of("k"), {}, [&](const auto& result) {
          closed += result.error().code == ErrorCode::closed ? 1 : 0;
        });
      }
      if (!background) client->poll(5ms);
    }
    CHECK(closed == 50);
  }
}

TEST_CASE("a client can be moved while calls are in progress") {
  LoopbackServer server;
  auto first = Client::connect(options_for(server, false));
  REQUIRE(first);
  bool is_done = false;
  first->get(key_of("k"), {}, [&is_done](auto) { is_done = true; });
  Client second = std::move(*first);
  second.run_until_idle();
  CHECK(is_done);
}

TEST_CASE("a blocking call that nobody answers ends at its deadline") {
  LoopbackServer server;
  auto client = Client::connect(options_for(server, true));
  REQUIRE(client);
  server.fall_silent();
  CHECK(client->get(key_of("k"), {.deadline = 50ms}).error().code == ErrorCode::expired);
  CHECK(client->put_blind(key_of("k"), "v", {.deadline = 50ms}).error().code ==
        ErrorCode::unknown_outcome);
}

}  // namespace coterie::client_test
