#include "node/replica/purge_state.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::replica;
using namespace std::string_view_literals;

TEST_CASE("a purge state has these bytes, and is read back") {
  const PurgeState state{.generation = Generation{0x0102},
                         .purged = Generation{0x0101},
                         .is_destroyed = true,
                         .is_emptying = true};
  const Bytes bytes = encode_purge_state(state);
  CHECK(bytes == "\x01\x02\x01\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\x03"sv);
  CHECK(decode_purge_state(bytes) == state);
  CHECK(decode_purge_state(encode_purge_state({})) == PurgeState{});
  CHECK(purge_state_key(PartitionId{0x0304}) == "p\0\0\x03\x04"sv);
}

TEST_CASE("bytes that are no purge state are refused") {
  const Bytes good = encode_purge_state({.generation = Generation{2}, .purged = Generation{2}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(decode_purge_state(good.substr(0, size)));
  }
  CHECK_FALSE(decode_purge_state(good + '\0'));
  Bytes newer = good;
  newer[0] = 2;
  CHECK(decode_purge_state(newer).error().code == ErrorCode::unsupported_version);
  Bytes strange = good;
  strange.back() = 4;
  CHECK(decode_purge_state(strange).error().code == ErrorCode::corrupt);
  const Bytes behind = encode_purge_state({.generation = Generation{1}, .purged = Generation{2}});
  CHECK(decode_purge_state(behind).error().code == ErrorCode::corrupt);
}
