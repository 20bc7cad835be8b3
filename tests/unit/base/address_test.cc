#include "base/address.h"

#include <doctest/doctest.h>

using coterie::Address;

TEST_CASE("an address survives its text") {
  for (const auto* text : {"127.0.0.1:7101", "[::1]:7101", "node-1.example:0"}) {
    const auto address = Address::parse(text);
    REQUIRE(address);
    CHECK(address->text() == text);
  }
}

TEST_CASE("what is no address says why") {
  for (const auto* text :
       {"", "127.0.0.1", ":7101", "host:", "host:65536", "host:7x", "::1:7101"}) {
    const auto address = Address::parse(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().message.find("host:port") != std::string::npos);
  }
}
