#include "node/ring_view.h"

#include <doctest/doctest.h>

using namespace coterie;

namespace {

const MemberMeta sample{.client = {.host = "127.0.0.1", .port = 7400},
                        .peer = {.host = "127.0.0.1", .port = 7401},
                        .admin = {.host = "::1", .port = 7403},
                        .shards = 2,
                        .run = RunId{42},
                        .zone = "a",
                        .weight = 3,
                        .build = "0.1.0"};

}  // namespace

TEST_CASE("a member's meta survives its bytes") {
  const auto decoded = decode_meta(encode_meta(sample));
  REQUIRE(decoded);
  CHECK(*decoded == sample);
}

TEST_CASE("a truncated or foreign meta is refused") {
  const Bytes bytes = encode_meta(sample);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(decode_meta(BytesView(bytes).substr(0, size)));
  }
  Bytes foreign = bytes;
  foreign[0] = 99;
  CHECK_FALSE(decode_meta(foreign));
  MemberMeta none = sample;
  none.shards = 0;
  CHECK_FALSE(decode_meta(encode_meta(none)));
}

TEST_CASE("what a later build adds behind is passed over") {
  const auto decoded = decode_meta(encode_meta(sample) + "more");
  REQUIRE(decoded);
  CHECK(*decoded == sample);
}

TEST_CASE("a peer is found by its id") {
  RingView view;
  for (const std::uint64_t low : {1U, 3U, 5U})
    view.peers.push_back({.node = {.high = 0, .low = low}});
  CHECK(view.peer({.high = 0, .low = 3}) == &view.peers[1]);
  CHECK(view.peer({.high = 0, .low = 4}) == nullptr);
  CHECK(view.peer({.high = 0, .low = 9}) == nullptr);
}
