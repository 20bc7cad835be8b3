#include "node/replica/fence_state.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::replica;
using namespace std::string_view_literals;

TEST_CASE("a fence has these bytes, and is read back") {
  const FenceState state{
      .configuration = ConfigurationNumber{0x0102}, .gained_in = 7, .is_filling = true};
  const Bytes bytes = encode_fence_state(state);
  CHECK(bytes == "\x01\x02\x01\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x01"sv);
  CHECK(decode_fence_state(bytes) == state);
  const FenceState owner{.configuration = ConfigurationNumber{3}};
  CHECK(decode_fence_state(encode_fence_state(owner)) == owner);
  CHECK(fence_state_key(PartitionId{0x0304}) == "f\0\0\x03\x04"sv);
}

TEST_CASE("bytes that are no fence are refused") {
  const Bytes good = encode_fence_state({.configuration = ConfigurationNumber{2}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(decode_fence_state(good.substr(0, size)));
  }
  CHECK_FALSE(decode_fence_state(good + '\0'));
  Bytes newer = good;
  newer[0] = 2;
  CHECK(decode_fence_state(newer).error().code == ErrorCode::unsupported_version);
  Bytes strange = good;
  strange.back() = 2;
  CHECK(decode_fence_state(strange).error().code == ErrorCode::corrupt);
  Bytes filling_for_nothing = good;
  filling_for_nothing.back() = 1;
  CHECK(decode_fence_state(filling_for_nothing).error().code == ErrorCode::corrupt);
  CHECK_FALSE(decode_fence_state(encode_fence_state({})));
}
