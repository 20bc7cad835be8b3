#include "node/coordinator/admission.h"

#include <doctest/doctest.h>

using namespace coterie;
using coordinator::Admission;
using namespace std::chrono_literals;

namespace {

const Instant start(10s);

coordinator::Arrival at(Instant when) {
  return {.earliest = when, .latest = when};
}

}  // namespace

TEST_CASE("a connection and a shard take so many requests and no more") {
  Admission admission({.requests_a_connection = 2, .requests_a_shard = 3});
  Admission::Connection one;
  Admission::Connection two;
  CHECK(admission.start(one, 1, at(start), start).has_value());
  CHECK(admission.start(one, 1, at(start), start).has_value());
  const Result<void> third = admission.start(one, 1, at(start), start);
  REQUIRE_FALSE(third.has_value());
  CHECK(third.error().code == ErrorCode::overloaded);
  CHECK(third.error().retry_after_ms > 0);
  CHECK(executed(third.error().code) == Executed::no);
  CHECK(admission.start(two, 1, at(start), start).has_value());
  CHECK_FALSE(admission.start(two, 1, at(start), start).has_value());
  admission.finish(one, 1);
  CHECK(admission.start(two, 1, at(start), start).has_value());
  CHECK(admission.requests() == 3);
  CHECK(admission.refused() == 2);
}

TEST_CASE("bytes are bounded too, but one request alone is always taken") {
  Admission admission({.bytes_a_connection = 100, .bytes_a_shard = 150});
  Admission::Connection one;
  Admission::Connection two;
  CHECK(admission.start(one, 1000, at(start), start).has_value());
  CHECK_FALSE(admission.start(one, 1, at(start), start).has_value());
  CHECK_FALSE(admission.start(two, 1, at(start), start).has_value());  // the shard is full
  admission.finish(one, 1000);
  CHECK(admission.start(one, 60, at(start), start).has_value());
  CHECK(admission.start(one, 40, at(start), start).has_value());
  CHECK_FALSE(admission.start(one, 1, at(start), start).has_value());
  CHECK(admission.start(two, 50, at(start), start).has_value());
  CHECK_FALSE(admission.start(two, 1, at(start), start).has_value());
  admission.finish(one, 60);
  admission.finish(one, 40);
  admission.finish(two, 50);
  CHECK(admission.bytes() == 0);
  CHECK(admission.requests() == 0);
}

TEST_CASE("a burst is served, a standing queue is refused early, and ends with the queue") {
  Admission admission;
  Admission::Connection connection;
  Instant now = start;
  const auto work = [&](Duration delay) {
    now += 1ms;
    const bool is_taken = admission.start(connection, 1, at(now - delay), now).has_value();
    if (is_taken) admission.finish(connection, 1);
    return is_taken;
  };
  // a burst of 60 ms among requests that need not wait
  for (int i = 0; i < 300; ++i) CHECK(work(i % 100 < 60 ? 50ms : 0ms));
  CHECK_FALSE(admission.is_under_pressure());
  // above the target for a whole interval: what waited long is refused, what did not is served
  for (int i = 0; i < 250; ++i) (void)work(30ms);
  CHECK(admission.is_under_pressure());
  CHECK_FALSE(work(30ms));
  CHECK(work(8ms));
  const Result<void> refused = admission.start(connection, 1, at(now - 300ms), now);
  CHECK(refused.error().retry_after_ms >= 300);
  // the queue has gone
  for (int i = 0; i < 250; ++i) CHECK(work(0ms));
  CHECK_FALSE(admission.is_under_pressure());
  CHECK(work(30ms));
}

TEST_CASE("a delay of long ago does not count against a request after a pause") {
  Admission admission;
  Admission::Connection connection;
  for (int i = 0; i < 250; ++i) {
    (void)admission.start(connection, 1, at(start), start + std::chrono::milliseconds(20 + i));
  }
  CHECK(admission.is_under_pressure());
  CHECK(admission.start(connection, 1, at(start + 10s), start + 10s + 50ms).has_value());
}

TEST_CASE("a loop that never rests has a standing queue, and serves some of every turn") {
  Admission admission;
  Admission::Connection connection;
  const Duration turn = 50ms;
  std::size_t taken = 0;
  Instant began = start;
  for (int turns = 0; turns < 20; ++turns, began += turn) {
    for (int i = 0; i < 100; ++i) {
      const Instant now = began + i * turn / 100;
      const coordinator::Arrival arrived{.earliest = began - turn, .latest = began};
      const bool is_taken = admission.start(connection, 1, arrived, now).has_value();
      if (is_taken) admission.finish(connection, 1);
      if (turns >= 5 && is_taken) ++taken;
    }
  }
  CHECK(admission.is_under_pressure());
  // those of the first twice 5 ms of each
  CHECK(taken == 15 * 21);
}
