#include "node/transfer/scrub_state.h"

#include <doctest/doctest.h>

namespace coterie::transfer {
namespace {

using namespace std::string_view_literals;

WallTime at(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds(ms)};
}

const ScrubState sample{
    .walk =
        ScrubState::Walk{.began = at(0x0201), .next = 0x0403, .stops = 2, .found = {.records = 1}},
    .last = ScrubPass{.began = at(5),
                      .ended = at(6),
                      .found = {.records = 7,
                                .bytes = 8,
                                .damaged = 9,
                                .leaves_wrong = 10,
                                .leaves_busy = 11,
                                .unreadable = 12}},
    .has_waiting = true};

TEST_CASE("a scrub's state has these bytes, and is read back") {
  const Bytes zeros(7, '\0');
  const auto number = [&](char low) { return Bytes(1, low) + zeros; };
  const Bytes bytes = encode_scrub_state(sample);
  CHECK(bytes == Bytes("\x01\x07"sv) + Bytes("\x01\x02\0\0\0\0\0\0\x03\x04\0\0\x02"sv) + number(1) +
                     Bytes(40, '\0') + number(5) + number(6) + number(7) + number(8) + number(9) +
                     number(10) + number(11) + number(12));
  CHECK(decode_scrub_state(bytes) == sample);
  CHECK(encode_scrub_state({}) == "\x01\0"sv);
  CHECK(decode_scrub_state(encode_scrub_state({})) == ScrubState{});
  CHECK(scrub_state_key() == "s");
}

TEST_CASE("bytes that are no scrub's state are refused") {
  const Bytes good = encode_scrub_state(sample);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(decode_scrub_state(good.substr(0, size)));
  }
  CHECK_FALSE(decode_scrub_state(good + '\0'));
  CHECK(decode_scrub_state("\x02\0"sv).error().code == ErrorCode::unsupported_version);
  CHECK(decode_scrub_state("\x01\x08"sv).error().code == ErrorCode::corrupt);
  CHECK(decode_scrub_state("\0\0"sv).error().code == ErrorCode::corrupt);
}

}  // namespace
}  // namespace coterie::transfer
