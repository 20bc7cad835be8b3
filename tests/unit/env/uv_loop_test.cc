#include "base/env/uv_loop.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "base/env/uv_resolve.h"
#include "tests/unit/env/sides.h"

namespace coterie::test {

using namespace std::chrono_literals;

TEST_CASE("loop: runs on its thread until it is stopped from another") {
  UvLoop loop;
  std::vector<int> ran;
  std::thread thread([&] { loop.run(); });
  for (int i = 0; i < 100; ++i) CHECK(loop.mailbox().post([&, i] { ran.push_back(i); }));
  loop.stop();
  thread.join();
  CHECK(ran.size() == 100);  // what was posted before stop() has run
  CHECK_FALSE(loop.mailbox().post([&] { ran.push_back(0); }));
}

TEST_CASE("loop: stop() before run()") {
  UvLoop loop;
  loop.stop();
  loop.run();
}

TEST_CASE("mailbox: many threads post, the order of each is kept") {
  UvLoop loop({.mailbox_capacity = 1000});
  std::vector<std::vector<int>> seen(4);
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        while (!loop.mailbox().post([&, t, i] { seen[t].push_back(i); })) {
          ++refused;
          std::this_thread::yield();
        }
      }
    });
  }
  const auto count = [&] {
    std::size_t all = 0;
    for (const auto& each : seen) all += each.size();
    return all;
  };
  while (count() < 20000) loop.turn(50ms);
  for (auto& thread : threads) thread.join();
  for (const auto& each : seen) CHECK(std::ranges::is_sorted(each));
}

TEST_CASE("loop: hooks run each turn before it waits, those that gather first") {
  UvLoop loop;
  std::vector<int> ran;
  const auto flush = loop.at_turn_end(UvLoop::TurnEnd::flush, [&] { ran.push_back(3); });
  loop.at_turn_end(UvLoop::TurnEnd::gather, [&] { ran.push_back(1); });
  loop.at_turn_end(UvLoop::TurnEnd::gather, [&] { ran.push_back(2); });
  loop.turn(0ns);
  CHECK(ran == std::vector<int>{1, 2, 3});
  loop.remove_hook(flush);
  CHECK(loop.mailbox().post([&] { ran.push_back(0); }));
  loop.turn(1s);
  loop.turn(0ns);
  CHECK(ran == std::vector<int>{1, 2, 3, 1, 2, 0, 1, 2});
}

TEST_CASE("loop: the last turn's hooks run as well") {
  UvLoop loop;
  bool is_posted = false;
  bool is_flushed = false;
  loop.at_turn_end(UvLoop::TurnEnd::flush, [&] { is_flushed = is_posted; });
  CHECK(loop.mailbox().post([&] { is_posted = true; }));
  loop.stop();
  loop.run();
  CHECK(is_flushed);
}

TEST_CASE("loop: its end drops timers, tasks and what is being resolved") {
  auto held = std::make_shared<int>(0);
  {
    UvLoop loop;
    loop.timers().start(1h, [held] { ++*held; });
    loop.timers().start(0ns, [held] { ++*held; });
    CHECK(loop.mailbox().post([held] { ++*held; }));
    resolve(loop, {.host = "localhost", .port = 1}, [held](auto) { ++*held; });
    resolve(loop, {.host = "127.0.0.1", .port = 1}, [held](auto) { ++*held; });
  }
  CHECK(*held == 0);
  CHECK(held.use_count() == 1);
}

TEST_CASE("resolve: numeric ones are themselves, names are found or not") {
  RealSide side;
  std::vector<Result<std::vector<Address>>> answers;
  const auto keep = [&](Result<std::vector<Address>> answer) {
    answers.push_back(std::move(answer));
  };
  resolve(side.loop(), {.host = "::1", .port = 5}, keep);
  CHECK(answers.empty());
  REQUIRE(side.until([&] { return answers.size() == 1; }));
  CHECK(answers[0] == std::vector<Address>{{.host = "::1", .port = 5}});
  resolve(side.loop(), {.host = "localhost", .port = 7}, keep);
  REQUIRE(side.until([&] { return answers.size() == 2; }));
  REQUIRE(answers[1].has_value());
  CHECK(answers[1]->at(0).port == 7);
  resolve(side.loop(), {.host = "no-such-host.invalid", .port = 7}, keep);
  REQUIRE(side.until([&] { return answers.size() == 3; }));
  CHECK_FALSE(answers[2].has_value());
}

TEST_CASE("loop: a broken pipe is an error on its thread, and the process' signals are its own") {
  struct sigaction before {};
  REQUIRE(::sigaction(SIGPIPE, nullptr, &before) == 0);
  RealSide side;
  struct sigaction after {};
  REQUIRE(::sigaction(SIGPIPE, nullptr, &after) == 0);
  CHECK((after.sa_handler == before.sa_handler));
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  ::close(ends[0]);
  ssize_t written = 0;
  CHECK(side.loop().mailbox().post([&] { written = ::write(ends[1], "x", 1); }));
  REQUIRE(side.until([&] { return written != 0; }));
  CHECK(written == -1);
  ::close(ends[1]);
  sigset_t pending;
  REQUIRE(::sigpending(&pending) == 0);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
  sigset_t blocked;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &blocked) == 0);
  CHECK(sigismember(&blocked, SIGPIPE) == 0);
}

TEST_CASE("loop: what a turn serves may have waited since the turn before began, without a rest") {
  RealSide side;
  const Turns& turns = side.loop().turns();
  const Clock& clock = side.loop().clock();
  const auto is_seen = [&] {
    Instant first;
    Instant ended;
    bool is_since_first = false;
    bool is_done = false;
    const auto next_turn = [&] {
      CHECK(turns.waits_since() <= turns.began());
      CHECK(turns.began() <= clock.now());
      CHECK(turns.began() >= ended);
      is_since_first = turns.waits_since() == first;
      is_done = true;
    };
    const auto long_turn = [&] {
      first = turns.began();
      while (clock.now() < first + 3ms) {
      }
      ended = clock.now();
      CHECK(side.loop().mailbox().post(next_turn));
    };
    CHECK(side.loop().mailbox().post(long_turn));
    REQUIRE(side.until([&] { return is_done; }));
    return is_since_first;
  };
  // A machine that stops the thread just before it polls makes that look like a rest.
  bool seen = false;
  for (int i = 0; i < 1000 && !seen; ++i) seen = is_seen();
  CHECK(seen);
}

TEST_CASE("worker: works on a thread of its own while the loop turns") {
  RealSide side;
  UvWorker worker(side.loop());
  const auto here = std::this_thread::get_id();
  std::atomic<bool> may_end = false;
  std::thread::id there;
  bool is_done = false;
  worker.submit(
      [&] {
        there = std::this_thread::get_id();
        may_end.wait(false);
      },
      [&] {
        is_done = true;
        CHECK(std::this_thread::get_id() == here);
      });
  // Only a loop that turns meanwhile lets it end.
  side.timers().start(1ms, [&] {
    may_end = true;
    may_end.notify_one();
  });
  REQUIRE(side.until([&] { return is_done; }));
  CHECK(there != here);
}

}  // namespace coterie::test
