#include <vector>

#include "tests/unit/env/sides.h"

// Clock, Timers, Mailbox, Worker: what both sides promise.
namespace coterie::test {

using namespace std::chrono_literals;

TEST_CASE_TEMPLATE("clock: never falls, and moves with what happens", Side, RealSide,
                   SimulatedSide) {
  Side side;
  const Instant before = side.clock().now();
  bool has_fired = false;
  side.timers().start(3ms, [&] { has_fired = true; });
  REQUIRE(side.until([&] { return has_fired; }));
  CHECK(side.clock().now() >= before + 3ms);
  // Both sides' wall clocks are of this century.
  CHECK(side.clock().wall_now() > WallTime(std::chrono::sys_days(std::chrono::year{2024} / 1 / 1)));
}

TEST_CASE_TEMPLATE("timers: fire in the order of their time, then of their start", Side, RealSide,
                   SimulatedSide) {
  Side side;
  std::vector<int> fired;
  const Instant begin = side.clock().now();
  side.timers().start(20ms, [&] {
    fired.push_back(3);
    CHECK(side.clock().now() >= begin + 20ms);
  });
  side.timers().start(10ms, [&] {
    fired.push_back(2);
    CHECK(side.clock().now() >= begin + 10ms);
  });
  side.timers().start(0ns, [&] { fired.push_back(0); });
  side.timers().start(-1s, [&] { fired.push_back(1); });
  CHECK(fired.empty());
  REQUIRE(side.until([&] { return fired.size() == 4; }));
  CHECK(fired == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE_TEMPLATE("timers: one that is cancelled does not fire, one that fired may be cancelled",
                   Side, RealSide, SimulatedSide) {
  Side side;
  int fired = 0;
  const TimerId cancelled = side.timers().start(1ms, [&] { fired += 100; });
  TimerId by_callback{};
  const TimerId first = side.timers().start(1ms, [&] {
    ++fired;
    side.timers().cancel(by_callback);
  });
  by_callback = side.timers().start(1ms, [&] { fired += 100; });
  side.timers().cancel(cancelled);
  side.timers().cancel(cancelled);
  bool is_over = false;
  side.timers().start(5ms, [&] { is_over = true; });
  REQUIRE(side.until([&] { return is_over; }));
  side.timers().cancel(first);
  side.timers().cancel(TimerId{12345678});
  CHECK(fired == 1);
}

TEST_CASE_TEMPLATE("timers: one that starts another at once does not starve the rest", Side,
                   RealSide, SimulatedSide) {
  Side side;
  int rounds = 0;
  bool is_over = false;
  std::function<void()> again = [&] {
    ++rounds;
    if (!is_over) side.timers().start(0ns, [&] { again(); });
  };
  again();
  // Virtual time stands still at zero delays, so the end must be one as well.
  side.timers().start(0ns, [&] { is_over = true; });
  CHECK(side.until([&] { return is_over; }));
  CHECK(rounds >= 1);
}

TEST_CASE_TEMPLATE("timers: many, most of them cancelled", Side, RealSide, SimulatedSide) {
  Side side;
  int fired = 0;
  std::vector<TimerId> ids;
  for (int i = 0; i < 5000; ++i) {
    ids.push_back(side.timers().start(1ms * (i % 7), [&] { ++fired; }));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % 10 != 0) side.timers().cancel(ids[i]);
  }
  REQUIRE(side.until([&] { return fired == 500; }));
}

TEST_CASE_TEMPLATE("mailbox: tasks run on the loop, in order, later", Side, RealSide,
                   SimulatedSide) {
  Side side;
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(side.mailbox().post([&, i] {
      ran.push_back(i);
      if (i == 0) CHECK(side.mailbox().post([&] { ran.push_back(3); }));
    }));
  }
  CHECK(ran.empty());
  REQUIRE(side.until([&] { return ran.size() == 4; }));
  CHECK(ran == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE_TEMPLATE("mailbox: a full one refuses, and takes again once it is drained", Side,
                   RealSide, SimulatedSide) {
  Side side;
  int ran = 0;
  for (int i = 0; i < 100; ++i) CHECK(side.mailbox().post([&] { ++ran; }));
  CHECK_FALSE(side.mailbox().post([&] { ran += 1000; }));
  REQUIRE(side.until([&] { return ran == 100; }));
  CHECK(side.mailbox().post([&] { ++ran; }));
  CHECK(side.until([&] { return ran == 101; }));
}

TEST_CASE_TEMPLATE("worker: work runs in order, each before its done, done on the loop", Side,
                   RealSide, SimulatedSide) {
  Side side;
  auto worker = side.make_worker();
  std::vector<int> worked;  // the worker's until the last done
  std::vector<int> done;
  for (int i = 0; i < 100; ++i) {
    worker->submit([&worked, i] { worked.push_back(i); }, [&done, i] { done.push_back(i); });
  }
  CHECK(done.empty());
  REQUIRE(side.until([&] { return done.size() == 100; }));
  CHECK(worked == done);
  CHECK(std::ranges::is_sorted(done));
}

TEST_CASE_TEMPLATE("worker: its end waits for what was submitted and drops the dones", Side,
                   RealSide, SimulatedSide) {
  Side side;
  int worked = 0;
  int done = 0;
  {
    auto worker = side.make_worker();
    for (int i = 0; i < 10; ++i) worker->submit([&] { ++worked; }, [&] { ++done; });
  }
  CHECK(worked == 10);
  bool is_over = false;
  side.timers().start(1ms, [&] { is_over = true; });
  REQUIRE(side.until([&] { return is_over; }));
  CHECK(done == 0);
}

TEST_CASE_TEMPLATE("worker: done may submit more", Side, RealSide, SimulatedSide) {
  Side side;
  auto worker = side.make_worker();
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds < 5) worker->submit([] {}, [&] { again(); });
  };
  worker->submit([] {}, [&] { again(); });
  CHECK(side.until([&] { return rounds == 5; }));
}

}  // namespace coterie::test
