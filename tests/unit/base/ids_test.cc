#include "base/ids.h"

#include <doctest/doctest.h>

using coterie::hex_to_128;
using coterie::NodeId;

TEST_CASE("an id survives its text") {
  const NodeId id{.high = 0x0123456789abcdef, .low = 0xfedcba9876543210};
  CHECK(to_hex(id) == "0123456789abcdeffedcba9876543210");
  const auto parsed = hex_to_128(to_hex(id));
  REQUIRE(parsed);
  CHECK(NodeId{.high = parsed->first, .low = parsed->second} == id);
}

TEST_CASE("what is not 32 hexadecimal digits is no id") {
  CHECK_FALSE(hex_to_128(""));
  CHECK_FALSE(hex_to_128("0123456789abcdeffedcba987654321"));
  CHECK_FALSE(hex_to_128("0123456789abcdeffedcba987654321g"));
  CHECK_FALSE(hex_to_128("0123456789abcdeffedcba98765432100"));
}
