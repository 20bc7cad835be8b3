#include "bench/key_space.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::bench;

TEST_CASE("keys are numbered, in the order of their numbers") {
  const KeySpace space("bucket", "user", 10);
  CHECK(space.key(7).bucket == "bucket");
  CHECK(space.key(7).partition_key == "user000000000007");
  CHECK(space.key(9).partition_key < space.key(10).partition_key);
  CHECK(space.key(1'234'567'890'123).partition_key == "user1234567890123");
}

TEST_CASE("an inserted record is readable when all before it have ended") {
  KeySpace space("bucket", "user", 10);
  const auto first = space.insert();
  const auto second = space.insert();
  CHECK(first == 10);
  CHECK(second == 11);
  CHECK(space.readable() == 10);
  space.on_inserted(second);
  CHECK(space.readable() == 10);
  space.on_inserted(first);
  CHECK(space.readable() == 12);
}

TEST_CASE("contexts are kept of loaded records, of no others") {
  KeySpace space("bucket", "user", 2);
  const auto context = client::Context::from_bytes("seen");
  CHECK(space.context(1).is_empty());
  space.set_context(1, context);
  CHECK(space.context(1) == context);
  CHECK(space.context(0).is_empty());
  const auto inserted = space.insert();
  space.set_context(inserted, context);
  CHECK(space.context(inserted).is_empty());
}

TEST_CASE("fewer records are there when loading ends early") {
  KeySpace space("bucket", "user", 10);
  space.end_at(4);
  CHECK(space.loaded() == 4);
  CHECK(space.readable() == 4);
  CHECK(space.insert() == 4);
  space.end_at(100);
  CHECK(space.loaded() == 4);
  space.end_at(0);
  CHECK(space.loaded() == 1);
}
