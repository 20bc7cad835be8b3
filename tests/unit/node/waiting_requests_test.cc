#include "node/waiting_requests.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace std::chrono_literals;

namespace {

WaitingRequests::Request request(std::uint64_t connection, std::size_t bytes = 8,
                                 Duration came = 0s) {
  return {.connection = ConnectionId{connection},
          .header = {.deadline_ms = 1000},
          .body = Bytes(bytes, 'b'),
          .came = Instant(came)};
}

}  // namespace

TEST_CASE("requests wait in their order, as many as may, and go with their connection") {
  WaitingRequests waiting;
  for (std::size_t i = 0; i < limits::waiting_requests_a_shard; ++i) {
    REQUIRE(waiting.add(request(i % 2)));
  }
  CHECK_FALSE(waiting.add(request(0)));
  waiting.on_closed(ConnectionId{1});
  CHECK(waiting.size() == limits::waiting_requests_a_shard / 2);
  CHECK(waiting.add(request(2)));
  const auto taken = waiting.take();
  CHECK(taken.size() == limits::waiting_requests_a_shard / 2 + 1);
  CHECK(taken.front().connection == ConnectionId{0});
  CHECK(taken.back().connection == ConnectionId{2});
  CHECK(waiting.size() == 0);
}

TEST_CASE("waiting requests are bounded in bytes, and those that have expired make room") {
  WaitingRequests waiting;
  REQUIRE(waiting.add(request(1, limits::waiting_request_bytes_a_shard)));
  CHECK_FALSE(waiting.add(request(2, 1, 999ms)));
  CHECK(waiting.add(request(2, 1, 1s)));
  CHECK(waiting.size() == 1);
  CHECK(waiting.take().front().connection == ConnectionId{2});
}
